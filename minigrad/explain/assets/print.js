/* On paper a wide graph goes in strips, one under the other, cut between boxes. */
(() => {
  const WIDEST = 1300, BESIDE = 60, REACH = 250;  // a strip; what is shown twice; how far a cut moves

  function cuts(svg, left, width) {
    const boxes = [...svg.querySelectorAll(".box > rect:last-of-type")].map((rect) => {
      const start = Number(rect.getAttribute("x"));
      return [start, start + Number(rect.getAttribute("width"))];
    });
    const free = (x) => boxes.every(([start, end]) => x <= start || x >= end);
    const count = Math.ceil(width / WIDEST), found = [left];
    for (let k = 1; k < count; k++) {
      const middle = left + k * width / count;
      let off = 0;
      while (off < REACH && !free(middle - off) && !free(middle + off)) off += 4;
      found.push(free(middle - off) || off >= REACH ? middle - off : middle + off);
    }
    return [...found, left + width];
  }

  function strips(svg) {
    const { x: left, y: top, width, height } = svg.viewBox.baseVal;
    if (width <= WIDEST) return [];
    const ends = cuts(svg, left, width);
    return ends.slice(1).map((end, k) => {
      const from = Math.max(left, ends[k] - BESIDE), to = Math.min(left + width, end + BESIDE);
      const strip = svg.cloneNode(true);
      strip.setAttribute("viewBox", `${from} ${top} ${to - from} ${height}`);
      strip.setAttribute("width", to - from);
      strip.classList.add("strip");
      return strip;
    });
  }

  addEventListener("beforeprint", () => {
    for (const svg of document.querySelectorAll(".views figure:not(.peek) > svg")) {
      const made = strips(svg);
      svg.classList.toggle("in-strips", made.length > 0);
      svg.after(...made);
    }
  });
  addEventListener("afterprint", () => {
    for (const strip of document.querySelectorAll(".strip")) strip.remove();
    for (const svg of document.querySelectorAll(".in-strips")) svg.classList.remove("in-strips");
  });
})();
