"""Backpropagation through a shopping bill: the apples of the book's fifth chapter, done twice.

Two apples at 100 with a tax of 10 % cost 220. Backpropagation says what the price would change by
if an apple cost 1 more (2.2), if one apple more were bought (110), and if the tax factor rose by 1
(200). Then three oranges at 150 come into the same bag.

Each bill is differentiated by minigrad's Tensors, and by layers with a forward and a backward of
their own, wired backward by hand. Both give the same numbers.

    python examples/backprop_by_hand.py

prints

    two apples                 Tensors  by hand
    price                          220      220
    d price / d apple              2.2      2.2
    d price / d apples             110      110
    d price / d tax                200      200

    apples and oranges         Tensors  by hand
    price                          715      715
    d price / d apple              2.2      2.2
    d price / d apples             110      110
    d price / d orange             3.3      3.3
    d price / d oranges            165      165
    d price / d tax                650      650

    largest difference between the two: 0
"""

import argparse

import minigrad as mg

TWO_APPLES = {"apple": 100.0, "apples": 2.0, "tax": 1.1}
BOTH_FRUITS = {"apple": 100.0, "apples": 2.0, "orange": 150.0, "oranges": 3.0, "tax": 1.1}


# ---- with Tensors: write the price, and ask -------------------------------------------------------
def price_of_apples(apple, apples, tax):
    return apple * apples * tax


def price_of_both(apple, apples, orange, oranges, tax):
    return (apple * apples + orange * oranges) * tax


def with_tensors(price_of, values):
    tensors = {name: mg.Tensor(value) for name, value in values.items()}
    price = price_of(**tensors)
    price.backward()
    return {"price": price.item()} | {name: float(x.grad) for name, x in tensors.items()}


# ---- by hand: every layer knows its own derivative, and we know the wiring ------------------------
class MulLayer:
    """z = x y, so dx = dz y and dy = dz x: each input gets the other one as its factor."""

    def forward(self, x, y):
        self.x, self.y = x, y
        return x * y

    def backward(self, dz):
        return dz * self.y, dz * self.x


class AddLayer:
    """z = x + y, so dx = dy = dz: addition passes on what arrives."""

    def forward(self, x, y):
        return x + y

    def backward(self, dz):
        return dz, dz


def apples_by_hand(apple, apples, tax):
    fruit, taxed = MulLayer(), MulLayer()
    price = taxed.forward(fruit.forward(apple, apples), tax)

    d_fruit, d_tax = taxed.backward(1.0)
    d_apple, d_apples = fruit.backward(d_fruit)
    return {"price": price, "apple": d_apple, "apples": d_apples, "tax": d_tax}


def both_by_hand(apple, apples, orange, oranges, tax):
    red, yellow, bag, taxed = MulLayer(), MulLayer(), AddLayer(), MulLayer()
    fruit = bag.forward(red.forward(apple, apples), yellow.forward(orange, oranges))
    price = taxed.forward(fruit, tax)

    d_fruit, d_tax = taxed.backward(1.0)
    d_red, d_yellow = bag.backward(d_fruit)
    d_apple, d_apples = red.backward(d_red)
    d_orange, d_oranges = yellow.backward(d_yellow)
    return {"price": price, "apple": d_apple, "apples": d_apples} | {
        "orange": d_orange,
        "oranges": d_oranges,
        "tax": d_tax,
    }


def show(title, tensors, hand):
    print(f"{title:25}  Tensors  by hand")
    for name in tensors:
        label = name if name == "price" else f"d price / d {name}"
        print(f"{label:25}  {tensors[name]:7g}  {hand[name]:7g}")
    print()
    return max(abs(tensors[name] - hand[name]) for name in tensors)


def main():
    argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    ).parse_args()
    differences = [
        show("two apples", with_tensors(price_of_apples, TWO_APPLES), apples_by_hand(**TWO_APPLES)),
        show("apples and oranges", with_tensors(price_of_both, BOTH_FRUITS), both_by_hand(**BOTH_FRUITS)),
    ]
    print(f"largest difference between the two: {max(differences):g}")


if __name__ == "__main__":
    main()
