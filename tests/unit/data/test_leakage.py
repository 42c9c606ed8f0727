from hierarcaps.data.hierarchy import CaptionHierarchy
from hierarcaps.data.leakage import image_key, leave_out

TIERS = ("animal", "duck", "red duck", "a red duck on the beach")


def test_an_image_is_one_under_any_of_its_names():
    names = ["COCO_val2014_000000301718.jpg", "a/train2017/000000301718.png", "b\\000000301718.jpg"]
    assert {image_key(name) for name in names} == {"000000301718"}
    assert image_key("a\\b\\test-00017.png") == "test-00017"


def test_items_of_test_images_are_left_out():
    images = ["COCO_val2014_000000000001.jpg", "2.jpg", None]
    items = [CaptionHierarchy(str(row), TIERS, image) for row, image in enumerate(images)]
    assert leave_out(items, ["val2017/000000000001.jpg"]) == items[1:]
    assert leave_out(items, []) == items
