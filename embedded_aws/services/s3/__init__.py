"""S3 of the embedded AWS: neither open files nor memory grow with what is stored, nor a page's time with the bucket."""

from collections.abc import Callable
from functools import cache
from typing import Any

from moto.s3 import models, responses
from moto.s3.responses import S3Response

from embedded_aws.services.s3 import bodies, conditions, listing, metadata, multipart, names, objects
from embedded_aws.services.s3.blobs import Blobs, blobs_in
from embedded_aws.services.s3.checksums import checksum
from embedded_aws.settings.settings import Settings


def install(settings: Settings) -> None:
    """Apply the patches."""
    store = blobs_in(settings.data)
    _keep_bytes(store)
    _take_bodies(store)
    _join_parts()
    _list_pages()


def _keep_bytes(store: Blobs) -> None:
    key = models.FakeKey
    key.value, key.etag = objects.value_in(store), property(objects.etag)
    key.__getstate__, key.__setstate__ = objects.get_state, objects.set_state
    key.dispose = key.__del__ = models.FakeMultipart.dispose = objects.forget
    models.FakeDeleteMarker.__init__ = objects.marking(models.FakeDeleteMarker.__init__)
    models.get_canned_acl = cache(models.get_canned_acl)  # never changed, and one each is a kilobyte
    for owner, name in (
        (S3Response, "get_object"),
        (S3Response, "copy_object"),
        (models.S3Backend, "upload_part_copy"),
    ):
        setattr(owner, name, objects.lazily(getattr(owner, name)))
    responses.compute_checksum = checksum


def _take_bodies(store: Blobs) -> None:
    S3Response.setup_class = bodies.adopting(S3Response.setup_class, store)
    S3Response._handle_v4_chunk_signatures = bodies.unless_adopted(S3Response._handle_v4_chunk_signatures)
    S3Response._get_checksum = bodies.checksum_of(S3Response._get_checksum)
    S3Response.key_response = bodies.refusing(S3Response.key_response, store)
    S3Response.copy_object = conditions.on_condition(S3Response.copy_object)
    S3Response.upload_part_copy = conditions.on_condition(S3Response.upload_part_copy)
    S3Response._key_response_post = conditions.completing(S3Response._key_response_post)
    for name in ("put_object", "copy_object", "delete_object", "_key_response_post"):
        setattr(S3Response, name, conditions.one_by_one(getattr(S3Response, name)))
    responses.metadata_from_headers = metadata.as_s3_keeps_them(responses.metadata_from_headers)


def _join_parts() -> None:
    upload, backend = models.FakeMultipart, models.S3Backend
    models.MultipartDict = multipart.Uploads
    upload.set_part, upload.list_parts, upload.complete = multipart.set_part, multipart.list_parts, multipart.complete
    backend.is_truncated = multipart.is_truncated
    S3Response.serialized = multipart.with_checksums(S3Response.serialized)
    backend.put_object = _tell_once(backend.put_object)
    backend.put_object_tagging = _tag(backend.put_object_tagging)


def _list_pages() -> None:
    models._VersionedKeyStore = listing.Keys
    models.S3Backend.list_objects = listing.list_objects
    models.S3Backend.list_objects_v2 = listing.list_objects_v2
    models.S3Backend.list_object_versions = listing.list_object_versions
    models.S3Backend._url_module = names.routing_any_key(models.S3Backend._url_module)
    S3Response.serialized = names.url_encoded(S3Response.serialized)


def _tell_once(put_object: Callable[..., Any]) -> Callable[..., Any]:
    """A completed upload is one event; moto sends that of a put before it."""

    def put(self: Any, *arguments: Any, multipart: Any = None, **named: Any) -> Any:
        if multipart is not None:
            named["disable_notification"] = True
        return put_object(self, *arguments, multipart=multipart, **named)

    return put


def _tag(put_object_tagging: Callable[..., Any]) -> Callable[..., Any]:
    """An object without tags takes no place among the tagged."""

    def put(self: Any, key: Any, tags: dict[str, str] | None) -> Any:
        if tags:
            return put_object_tagging(self, key, tags)
        self.tagger.delete_all_tags_for_resource(key.arn)
        return key

    return put
