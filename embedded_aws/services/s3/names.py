"""Keys with any character: routed to S3 whatever they hold, and listed URL-encoded where that is asked for."""

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

_OF_A_KEY, _OF_ANY_KEY = "(?P<key_name>.+)", r"(?P<key_name>[\s\S]+)"  # `.` is no line end
_PLAIN = {  # what moto leaves as it is, by operation: fields, and rows with a field (Amazon S3 API reference)
    "ListObjects": (("Prefix", "Delimiter", "Marker", "NextMarker"), {"CommonPrefixes": "Prefix"}),
    "ListObjectsV2": (("Delimiter", "StartAfter"), {}),
    "ListObjectVersions": (
        ("Prefix", "Delimiter", "KeyMarker", "NextKeyMarker"),
        {"Versions": "Key", "DeleteMarkers": "Key", "CommonPrefixes": "Prefix"},
    ),
}


def routing_any_key(url_module: property) -> property:
    """Wrap S3Backend._url_module, which is read anew each time: paths of keys with line ends lead to S3, too."""

    def routed(self: Any) -> Any:
        module = url_module.fget(self)  # type: ignore[misc]
        module.url_paths = {path.replace(_OF_A_KEY, _OF_ANY_KEY): to for path, to in module.url_paths.items()}
        return module

    return property(routed)


def url_encoded(serialized: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap S3Response.serialized: a listing is encoded where moto forgets to, for XML has no place for some keys."""

    def serialize(self: Any, action_result: Any) -> Any:
        result, action = action_result.result, self.data.get("Action")
        if action in _PLAIN and self.querystring.get("encoding-type", [None])[0] == "url":
            _encode(result, *_PLAIN[action])
        return serialized(self, action_result)

    return serialize


def _encode(result: dict[str, Any], fields: tuple[str, ...], rows: dict[str, str]) -> None:
    result["EncodingType"] = "url"
    for field in fields:
        if result.get(field):
            result[field] = quote(result[field])
    for name, field in rows.items():
        for row in result.get(name) or []:
            row[field] = quote(row[field])
