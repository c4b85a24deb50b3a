"""How weights should begin: what five hidden layers make of 1,000 random examples.

Each of the layers has 100 units and a sigmoid. With weights of standard deviation 1 the outputs
stick to 0 and 1, where the sigmoid is flat and gradients vanish. With 0.01 every unit says 0.5,
whatever it is asked: a hundred units are worth one. Xavier's weights, scaled by the width of the
layers, keep the outputs spread. These are the pictures of the book's chapter 6.

    python examples/initial_weights.py [--out FOLDER]

takes a second, draws FOLDER/initial_weights.png, and prints the standard deviation of the outputs,
layer by layer:

    weights        1      2      3      4      5
    std 1      0.459  0.437  0.440  0.439  0.434
    std 0.01   0.025  0.012  0.013  0.013  0.013
    xavier     0.207  0.120  0.129  0.129  0.125
"""

import numpy as np
import pictures

import minigrad as mg

BEGINNINGS = {"std 1": 1.0, "std 0.01": 0.01, "xavier": "xavier"}
WIDTHS = [100] * 6 + [10]


def spread(net, x):
    """Return the standard deviation of what each sigmoid puts out, over units and examples."""
    found = []
    for layer in net:
        x = layer(x)
        if isinstance(layer, mg.Sigmoid):
            found.append(np.std(x.data))
    return found


def main():
    args = pictures.Options(__doc__).parse_args()
    x = np.random.default_rng(0).normal(size=(1000, 100))
    nets = {
        name: mg.mlp(WIDTHS, activation="sigmoid", init=init, rng=0)
        for name, init in BEGINNINGS.items()
    }
    print("weights  " + "".join(f"{i:7}" for i in range(1, 6)))
    for name, net in nets.items():
        print(f"{name:9}" + "".join(f"{std:7.3f}" for std in spread(net, x)))
    pictures.save(lambda: mg.plot.activation_histograms(nets, x), args.out / "initial_weights.png")


if __name__ == "__main__":
    main()
