"""Which digits a net takes for which: a table of its answers, and the ones it got wrong.

A small net learns 1,438 handwritten digits and is asked 359 others. Look at the wrong ones: some
would make you think twice. Those come first of whose answer the net was surest. The book does the
same at the end of its chapter 8.

    python examples/misclassified.py [--out FOLDER]

takes a second, draws FOLDER/misclassified.png, and prints

    accuracy on 359 unseen digits      0.9666
"""

import pictures

import minigrad as mg


def main():
    args = pictures.Options(__doc__).parse_args()
    data = mg.datasets.digits()
    net = mg.mlp([64, 40, 10], rng=0)
    mg.Trainer(net, mg.Adam(), progress=False).fit(
        data.x_train, data.t_train, epochs=12, batch_size=20
    )
    accuracy = net.accuracy(data.x_test, data.t_test)
    print(f"accuracy on {len(data.t_test)} unseen digits      {accuracy:.4f}")
    pictures.save(
        lambda: mg.plot.confusion_matrix(net, data.x_test, data.t_test),
        args.out / "misclassified.png",
    )


if __name__ == "__main__":
    main()
