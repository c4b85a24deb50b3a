"""Backpropagation through a shopping bill: the apples of the book's fifth chapter, done twice.

Two apples at 100 with a tax of 10 % cost 220. Backpropagation says by how much that would grow if
an apple cost 1 more (2.2), if there were 1 apple more (110), and if the tax factor were larger by 1
(200). Then three oranges at 150 come into the same bag. Each bill is differentiated by minigrad's
Tensors, and by the book's layers, each with a forward and a backward, wired by hand.

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

APPLES = {"apple": 100.0, "apples": 2.0, "tax": 1.1}
FRUIT = {"apple": 100.0, "apples": 2.0, "orange": 150.0, "oranges": 3.0, "tax": 1.1}


# ---- with Tensors: write down the price, and ask -------------------------------------------------
def price_of_apples(apple, apples, tax):
    return apple * apples * tax


def price_of_fruit(apple, apples, orange, oranges, tax):
    return (apple * apples + orange * oranges) * tax


def with_tensors(price_of, **values):
    tensors = {name: mg.Tensor(value) for name, value in values.items()}
    price = price_of(**tensors)
    price.backward()
    return price.item(), *(tensor.grad.item() for tensor in tensors.values())


# ---- by hand: each layer knows its derivative, and we know the way back --------------------------
class MulLayer:
    def forward(self, x, y):
        self.x, self.y = x, y
        return x * y

    def backward(self, dout):
        return dout * self.y, dout * self.x


class AddLayer:
    def forward(self, x, y):
        return x + y

    def backward(self, dout):
        return dout, dout


def apples_by_hand(apple, apples, tax):
    mul_apples, mul_tax = MulLayer(), MulLayer()
    price = mul_tax.forward(mul_apples.forward(apple, apples), tax)
    d_sum, d_tax = mul_tax.backward(1.0)
    return price, *mul_apples.backward(d_sum), d_tax


def fruit_by_hand(apple, apples, orange, oranges, tax):
    mul_apples, mul_oranges, add, mul_tax = MulLayer(), MulLayer(), AddLayer(), MulLayer()
    total = add.forward(mul_apples.forward(apple, apples), mul_oranges.forward(orange, oranges))
    price = mul_tax.forward(total, tax)
    d_total, d_tax = mul_tax.backward(1.0)
    d_apples, d_oranges = add.backward(d_total)
    return price, *mul_apples.backward(d_apples), *mul_oranges.backward(d_oranges), d_tax


def compare(title, names, tensors, by_hand):
    """Print the two results beside each other, and return their largest difference."""
    print(f"{title:25}  Tensors  by hand")
    labels = ["price", *(f"d price / d {name}" for name in names)]
    for label, ours, theirs in zip(labels, tensors, by_hand, strict=True):
        print(f"{label:25}  {ours:7g}  {theirs:7g}")
    print()
    return max(abs(ours - theirs) for ours, theirs in zip(tensors, by_hand, strict=True))


def main():
    argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    ).parse_args()
    tensors, by_hand = with_tensors(price_of_apples, **APPLES), apples_by_hand(**APPLES)
    first = compare("two apples", APPLES, tensors, by_hand)
    tensors, by_hand = with_tensors(price_of_fruit, **FRUIT), fruit_by_hand(**FRUIT)
    second = compare("apples and oranges", FRUIT, tensors, by_hand)
    print(f"largest difference between the two: {max(first, second):g}")


if __name__ == "__main__":
    main()
