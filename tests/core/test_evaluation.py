"""An evaluation counts right answers by class."""

import numpy as np

from dualtrain.core.evaluation import Evaluation


def test_the_accuracy_of_a_class_is_that_of_the_samples_which_are_of_it() -> None:
    confusion = np.array([[3, 1, 0], [0, 0, 0], [2, 0, 2]])  # rows are true classes, and of one there is no sample
    evaluation = Evaluation(1, 0.625, None, confusion)
    document = evaluation.document()
    assert document["by_class"] == [0.75, None, 0.5]
    assert document["confusion"] == confusion.tolist()
    again = Evaluation.from_document(document)
    assert again.confusion is not None
    assert again.confusion.tolist() == confusion.tolist()
    assert again.accuracies() == evaluation.accuracies()
