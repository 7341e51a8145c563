"""moto's choice of a service, by what was signed and by nothing else: no path, host or body leads elsewhere."""

from typing import Any

from moto.moto_server.werkzeug_app import DomainDispatcherApplication

from embedded_aws.access import failures
from embedded_aws.access.claims import Claim
from embedded_aws.access.gate import CLAIM
from embedded_aws.access.refusals import Refused, Why

_CLOSED = ("moto_api._internal", "moto_api", "instance_metadata")  # nothing of these is AWS


class ByClaim(DomainDispatcherApplication):  # type: ignore[misc]
    """moto's dispatcher without its internal and unsigned doors."""

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        """Serve a request; Refused where its service cannot, and the request is to blame."""
        try:
            return super().__call__(environ, start_response)
        except Refused:
            raise
        except Exception as error:
            reason = failures.why(environ, environ[CLAIM], error)
            if reason is None:
                raise
            raise Refused(reason, environ[CLAIM].service) from error

    def get_application(self, environ: dict[str, Any]) -> Any:
        """Return the application of the service that the verified claim names."""
        claim: Claim = environ[CLAIM]
        signed = f"AWS4-HMAC-SHA256 Credential={claim.access_key_id}/{claim.scope}, "
        with self.lock:
            try:
                host = self.infer_service_region_host({**environ, "HTTP_AUTHORIZATION": signed}, environ["PATH_INFO"])
                backend = self.get_backend_for_host(host)
                if backend is None or backend in _CLOSED or (backend == "s3" and claim.service != "s3"):
                    raise Refused(Why.NO_SERVICE, claim.service)
                if backend not in self.app_instances:
                    self.app_instances[backend] = self.create_app(backend)
            except (LookupError, ImportError) as error:  # a target of another service; what moto needs is not here
                raise Refused(Why.NO_SERVICE, claim.service) from error
            return self.app_instances[backend]
