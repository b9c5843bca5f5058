"""What a segment's definition comes to: another one means that everybody is looked at again. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import blake2b

from habitue_recommender.segments.segment import Segment, Segments


def digests(segments: Mapping[str, Segment]) -> dict[str, str]:
    """By id: changes with a segment's condition, and with those of the segments it names, however far."""
    return {
        segment_id: blake2b(_meaning(segment_id, segments).encode(), digest_size=8).hexdigest()
        for segment_id in segments
    }


def with_named(segments: Segments, wanted: Iterable[str]) -> Segments:
    """These segments and all that they name, however far, in their order."""
    kept: set[str] = set()
    for one in wanted:
        kept |= _named(one, segments.by_id)
    return Segments({one: segment for one, segment in segments.by_id.items() if one in kept})


def _meaning(segment_id: str, segments: Mapping[str, Segment]) -> str:
    return "\n".join(
        f"{one}={segments[one].condition.text if one in segments else ''}"
        for one in sorted(_named(segment_id, segments))
    )


def _named(segment_id: str, segments: Mapping[str, Segment]) -> set[str]:
    named = {segment_id}
    following = [segment_id]
    while following:
        segment = segments.get(following.pop())
        if segment is not None:
            following += segment.needs - named
            named |= segment.needs
    return named
