"""What containers of clips give away: built box by box, as cameras, phones and drones write them."""

from __future__ import annotations

import io
import struct
import time
from contextlib import suppress

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gallery.imagemeta.clip_tags import MAX_ELEMENTS, read_clip_tags
from gallery.imagemeta.clips import find_private_in_clip, kept_tags, read_clip_generation
from gallery.services.clip_child import remux
from registry.formats.errors import MalformedFile
from tests.registry.pictures.clips import box, clip, sound, turned

PLACE = "+48.2082+016.3738+171/"
PLAIN = clip()


def said(text: str) -> bytes:
    """A text as a user data list has it: length, language, text."""
    return struct.pack(">HH", len(text.encode()), 0x15C7) + text.encode()


def with_user_data(*boxes: bytes, data: bytes = PLAIN) -> bytes:
    """The MP4 with these boxes in a user data list of its own, behind everything else in `moov`."""
    at = data.index(b"moov") - 4
    (length,) = struct.unpack_from(">I", data, at)
    added = box(b"udta", b"".join(boxes))
    head = struct.pack(">I", length + len(added)) + b"moov"
    assert at + length == len(data)
    return data[:at] + head + data[at + 8 : at + length] + added


def keys(**texts: str) -> bytes:
    """QuickTime's metadata: keys, and items by the number of their key."""
    names = [name.replace("__", ".") for name in texts]
    listed = b"".join(box(b"mdta", name.encode()) for name in names)
    items = b"".join(
        box(struct.pack(">I", number), box(b"data", struct.pack(">II", 1, 0) + text.encode()))
        for number, text in enumerate(texts.values(), 1)
    )
    handler = box(b"hdlr", bytes(8) + b"mdta" + bytes(12))
    return box(b"meta", handler + box(b"keys", struct.pack(">II", 0, len(names)) + listed) + box(b"ilst", items))


def loci(latitude: float, longitude: float, name: str = "Wien") -> bytes:
    degrees = struct.pack(">iii", round(longitude * 65536), round(latitude * 65536), 0)
    return box(b"loci", bytes(4) + b"\x15\xc7" + name.encode() + b"\0\0" + degrees + b"earth\0\0")


XMP = b'<x:xmpmeta><rdf:Description exif:GPSLatitude="48,12.5N" aux:SerialNumber="SN-77"/></x:xmpmeta>'
XMP_ID = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
TOLD = {
    "a phone's place": (box(b"\xa9xyz", said(PLACE)), [("gps", "clip:©xyz", PLACE)]),
    "a place without a length": (box(b"\xa9xyz", PLACE.encode()), [("gps", "clip:©xyz", PLACE)]),
    "a place of 3GPP": (loci(48.2082, 16.3738), [("gps", "clip:loci", "Wien 48.21° 16.37°")]),
    "a place of QuickTime": (
        keys(com__apple__quicktime__location__ISO6709=PLACE),
        [("gps", "clip:com.apple.quicktime.location.ISO6709", PLACE)],
    ),
    "an Apple device": (
        keys(com__apple__quicktime__make="Apple", com__apple__quicktime__model="Phone 9"),
        [("device", "clip:com.apple.quicktime.make", "Apple"), ("device", "clip:com.apple.quicktime.model", "Phone 9")],
    ),
    "an Android device": (
        keys(com__android__manufacturer="Acme", com__android__model="A7", com__android__version="14"),
        [("device", "clip:com.android.manufacturer", "Acme"), ("device", "clip:com.android.model", "A7")],
    ),
    "a camera": (
        box(b"\xa9mak", said("Acme")) + box(b"\xa9mod", said("Cam 4")),
        [("device", "clip:©mak", "Acme"), ("device", "clip:©mod", "Cam 4")],
    ),
    "a serial number": (box(b"slno", bytes(6) + b"SN-1234"), [("camera_serial", "clip:slno", "SN-1234")]),
    "a maker's own block": (
        box(b"GPMF", bytes(range(1, 200)) * 4),
        [("maker_note", "clip:GPMF", "GPMF, 796 bytes")],
    ),
    "a name": (box(b"\xa9ART", said("Ada Byron")), [("owner_name", "clip:©ART", "Ada Byron")]),
    "a folder in a comment": (box(b"\xa9cmt", said("in /home/ada/out")), [("local_path", "clip:©cmt", "/home/ada")]),
    "a packet of XMP": (box(b"XMP_", XMP), [("gps", "clip:xmp", "48,12.5N"), ("camera_serial", "clip:xmp", "SN-77")]),
    "harmless ones": (box(b"\xa9nam", said("Harbour")) + box(b"free", bytes(99)) + box(b"\xa9too", said("x264")), []),
}


def findings(data: bytes) -> list[tuple[str, str, str]]:
    return [(each.kind, each.place, each.excerpt) for each in find_private_in_clip(data)]


def packets(data: bytes) -> list[bytes]:
    with av.open(io.BytesIO(data)) as container:
        return [bytes(packet) for packet in container.demux() if packet.size]


@pytest.fixture
def written_anew(tmp_path, monkeypatch):
    """The copy that is made of a clip, with the tags that may stay."""
    monkeypatch.chdir(tmp_path)

    def make(data: bytes, **kept: str) -> bytes:
        remux(data, kept)
        return (tmp_path / "stripped").read_bytes()

    return make


@pytest.mark.parametrize("name", TOLD)
def test_what_a_container_gives_away_is_named_and_gone_from_the_copy(name, written_anew):
    boxes, expected = TOLD[name]
    data = with_user_data(boxes)

    assert findings(data) == expected
    copy = written_anew(data)
    assert findings(copy) == []
    assert packets(copy) == packets(PLAIN)


def test_an_xmp_box_of_the_files_own_is_looked_through():
    data = PLAIN + box(b"uuid", XMP_ID + XMP)

    assert [kind for kind, _place, _text in findings(data)] == ["gps", "camera_serial"]


def test_a_track_of_data_beside_the_picture_is_told():
    handler = box(b"hdlr", bytes(8) + b"meta" + bytes(12) + b"GoPro MET\0")
    at = PLAIN.index(b"moov") - 4
    (length,) = struct.unpack_from(">I", PLAIN, at)
    track = box(b"trak", box(b"mdia", handler))
    data = PLAIN[:at] + struct.pack(">I", length + len(track)) + PLAIN[at + 4 : at + length] + track

    assert findings(data) == [("maker_note", "clip:track meta", "GoPro MET, a track of data")]


WEBM = {
    "a place": ({"location": PLACE}, [("gps", "clip:LOCATION", PLACE)]),
    "a phone": (
        {"com.apple.quicktime.location.ISO6709": PLACE, "com.android.model": "A7"},
        [("gps", "clip:COM.APPLE.QUICKTIME.LOCATION.ISO6709", PLACE), ("device", "clip:COM.ANDROID.MODEL", "A7")],
    ),
    "a serial number": ({"camera serial": "SN-1"}, [("camera_serial", "clip:CAMERA_SERIAL", "SN-1")]),
    "a name and a folder": (
        {"artist": "Ada Byron", "source": "C:\\Users\\ada\\a.png"},
        [("owner_name", "clip:ARTIST", "Ada Byron"), ("local_path", "clip:SOURCE", "C:\\Users\\ada")],
    ),
    "harmless ones": ({"title": "Harbour"}, []),
}


@pytest.mark.parametrize("name", WEBM)
def test_tags_of_a_webm_are_named_and_gone_from_the_copy(name, written_anew):
    tags, expected = WEBM[name]
    data = clip("webm", "libvpx", tags=tags)

    assert sorted(findings(data)) == sorted(expected)
    copy = written_anew(data)
    assert findings(copy) == []
    assert packets(copy) == packets(data)


def test_a_webm_that_was_recorded_live_is_read_behind_its_clusters():
    tag = b"\x73\x73\xa0\x67\xc8\x9d\x45\xa3\x88LOCATION\x44\x87\x8f" + PLACE[:15].encode()
    cluster = b"\x1f\x43\xb6\x75\x01" + b"\xff" * 7 + b"\xe7\x81\0" + b"\xa3\x85\x81\0\0\x80\0" * 3
    tags = b"\x12\x54\xc3\x67" + bytes([0x80 | len(tag)]) + tag
    data = b"\x1a\x45\xdf\xa3\x87\x42\x82\x84webm" + b"\x18\x53\x80\x67\x01" + b"\xff" * 7 + cluster + tags

    assert findings(data) == [("gps", "clip:LOCATION", PLACE[:15])]


def test_a_copy_stays_turned_and_as_long_as_it_was(written_anew):
    data = turned(with_user_data(box(b"\xa9xyz", said(PLACE))))

    with av.open(io.BytesIO(data)) as before, av.open(io.BytesIO(written_anew(data))) as after:
        assert after.duration == before.duration
        assert next(after.decode(video=0)).rotation == next(before.decode(video=0)).rotation == -90


@pytest.mark.parametrize(("format", "codec"), [("mp4", "aac"), ("webm", "libopus")])
def test_sound_is_copied_as_it_is(format, codec, written_anew):
    data = sound(format, codec)

    assert packets(written_anew(data)) == packets(data)


def test_how_it_was_made_may_stay_where_nothing_private_is_in_it():
    clean = clip(tags={"prompt": "{}", "comment": "kiln\nSteps: 4"}, movflags="use_metadata_tags")
    private = clip(tags={"comment": "kiln\nSteps: 4, Model: /home/ada/x"})

    assert kept_tags(clean) == {"prompt": "{}", "comment": "kiln\nSteps: 4"}
    assert kept_tags(private) == {}


def test_a_container_that_is_full_of_parts_is_refused():
    many = PLAIN + box(b"udta", box(b"\xa9nam", said("x")) * 2_001)
    live = b"\x1a\x45\xdf\xa3\x80\x18\x53\x80\x67\x01" + b"\xff" * 7 + b"\xec\x80" * (MAX_ELEMENTS + 1)

    for data in (many, live):
        with pytest.raises(MalformedFile) as refused:
            read_clip_tags(data)
        assert refused.value.reason == "too_many_parts"
    with pytest.raises(MalformedFile) as refused:
        read_clip_tags(PLAIN + keys(comment="y" * ((8 << 20) + 9)))
    assert refused.value.reason == "metadata_too_large"


@pytest.mark.parametrize("start", [PLAIN, clip("webm", "libvpx", tags={"location": PLACE})], ids=["mp4", "webm"])
@given(place=st.integers(0, 2_000), change=st.binary(min_size=1, max_size=12), cut=st.integers(0, 2_000))
def test_damaged_containers_are_read_as_far_as_they_go(start, place, change, cut):
    damaged = (start[: place % len(start)] + change + start[place % len(start) + len(change) :])[
        : len(start) - cut // 9
    ]

    with suppress(MalformedFile):  # nothing else may come out
        find_private_in_clip(damaged)
        read_clip_generation(damaged)


def test_boxes_in_boxes_cost_no_more_than_their_bytes():
    nested = b""
    for _level in range(3_000):
        nested = box(b"moov", nested)
    wide = PLAIN + box(b"udta", box(b"\xa9xyz", b"\0\1\0\0a" * 100_000))
    began = time.perf_counter()

    read_clip_tags(nested)
    with pytest.raises(MalformedFile):
        read_clip_tags(wide)

    assert time.perf_counter() - began < 2
