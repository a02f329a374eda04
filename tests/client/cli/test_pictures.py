"""Pictures made of characters."""

from dualtrain.client.cli.pictures import beside, curve, digit


def test_each_pixel_is_a_dot() -> None:
    pixels = [0] * 784
    assert digit(pixels) == ["⠀" * 14] * 7
    for index, dots in ((0, "⠁"), (1, "⠈"), (28, "⠂"), (29, "⠐"), (56, "⠄"), (57, "⠠"), (84, "⡀"), (85, "⢀")):
        lit = pixels.copy()
        lit[index] = 255
        assert digit(lit)[0][0] == dots
    assert digit([255] * 784) == ["⣿" * 14] * 7


def test_pictures_stand_side_by_side() -> None:
    assert beside([["ab", "cd"], ["ef", "gh"]]) == ["ab  ef", "cd  gh"]


def test_a_curve_goes_from_the_lowest_to_the_highest_bar() -> None:
    assert curve([3.0, 2.0, 1.0]) == "█▅▁"
    assert curve([1.0]) == "▁"
    assert curve([float(i) for i in range(1000)], width=8) == "▁▂▃▄▅▆▇█"
