from pathlib import Path

import pytest

from contracts.places import Place, PlaceError, artefacts_of, checkpoint_path, table_below


@pytest.mark.parametrize(
    ("location", "place"),
    [
        ("/data/lake", Place("file", "/data/lake")),
        ("/data/lake/", Place("file", "/data/lake")),
        (Path("lake"), Place("file", "lake")),
        ("a lake=50%", Place("file", "a lake=50%")),
        ("/", Place("file", "/")),
        ("file:///data/lake", Place("file", "/data/lake")),
        ("s3://bucket", Place("s3", "bucket")),
        ("s3://bucket/", Place("s3", "bucket")),
        ("S3://my.bucket-1/a/b=1/", Place("s3", "my.bucket-1/a/b=1")),
    ],
)
def test_a_location_names_a_place(location: str | Path, place: Place) -> None:
    assert Place.parse(location) == place
    assert Place.parse(str(place)) == place


@pytest.mark.parametrize(
    ("location", "told"),
    [
        ("", "is no location: allowed is a path, file:///path or s3://bucket/prefix"),
        ("s3://", "is no location"),
        ("file://data/lake", "file:// and a path from the root"),
        ("s3a://bucket/lake", "write s3://bucket/lake; Spark gets its own spelling"),
        ("gs://bucket/lake", "gs:// is not known; allowed is"),
        ("s3:///lake", "'' is no name of a bucket"),
        ("s3://My_Bucket/lake", "'My_Bucket' is no name of a bucket"),
        ("s3://bucket/a//b", "'' is no name in a prefix"),
        ("s3://bucket/a/../b", "'..' is no name in a prefix"),
        ("s3://bucket/a b", "'a b' is no name in a prefix: use letters, digits"),
    ],
)
def test_what_is_no_location_is_told_with_what_is_allowed(location: str, told: str) -> None:
    with pytest.raises(PlaceError) as refusal:
        Place.parse(location)
    assert told in str(refusal.value)
    assert location in str(refusal.value)


def test_each_client_gets_its_own_spelling() -> None:
    disk, s3 = Place.parse("/data/lake"), Place.parse("s3://bucket/lake")
    assert (disk.for_spark, s3.for_spark) == ("/data/lake", "s3a://bucket/lake")
    assert (s3.bucket, s3.key, Place.parse("s3://bucket").key) == ("bucket", "lake", "")
    assert disk.for_petastorm == "file:///data/lake"
    assert disk.local == Path("/data/lake")
    with pytest.raises(PlaceError, match="s3://bucket/lake lies on S3, where this needs a path of this machine"):
        _ = s3.local


def test_tables_and_artefacts_lie_below_the_lake() -> None:
    for lake in (Place.parse("/lake"), Place.parse("s3://bucket/lake"), Place.parse("s3://bucket")):
        assert str(table_below(lake, "gold.models")) == f"{lake}/gold/models"
        assert str(artefacts_of(lake)) == f"{lake}/models"
        assert lake.below(checkpoint_path("ab12")) == artefacts_of(lake).below("ab12")
    assert str(Place.parse("/").below("lake")) == "/lake"
