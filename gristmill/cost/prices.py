"""The one price table: us-east-1, US dollars, list prices without free tier, discounts or taxes.

Source: the public AWS price pages as mirrored by Infracost's price fixtures, read on the date below; EC2 by the
on-demand price of a c7i.large (2 vCPU, 4 GiB) shared out by vCPU. AWS Batch itself costs nothing.
"""

from dataclasses import dataclass
from datetime import date

DATE = date(2026, 11, 22)
REGION = "us-east-1"


@dataclass(frozen=True)
class Prices:
    """Dollars per unit; the unit is in the name."""

    state_transition: float = 0.025 / 1_000
    lambda_request: float = 0.20 / 1_000_000
    lambda_gb_second: float = 0.0000166667
    vcpu_hour: float = 0.08925 / 2
    gpu_hour: float = 1.006
    s3_write: float = 0.005 / 1_000
    s3_read: float = 0.0004 / 1_000
    s3_gb_month: float = 0.023
    log_gb: float = 0.50


US_EAST_1 = Prices()
