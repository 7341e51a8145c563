"""Price a usage: AWS units in, dollars out."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields, replace

from gristmill.cost.prices import DATE, REGION, US_EAST_1, Prices
from gristmill.runs.records import Bill


@dataclass(frozen=True)
class Usage:
    """What a run used or will use; field for field what `Prices` prices. The Batch ones are by queue."""

    state_transition: float = 0
    lambda_request: float = 0
    lambda_gb_second: float = 0
    cpu_vcpu_hour: float = 0
    cpu_gib_hour: float = 0
    gpu_vcpu_hour: float = 0
    gpu_gib_hour: float = 0
    gpu_hour: float = 0
    s3_write: float = 0
    s3_read: float = 0
    s3_gb_month: float = 0
    table_write: float = 0
    log_gb: float = 0
    mail: float = 0

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(**{field.name: getattr(self, field.name) + getattr(other, field.name) for field in fields(Usage)})


LABELS = {
    "state_transition": "Step Functions transitions",
    "lambda_request": "Lambda requests",
    "lambda_gb_second": "Lambda GB-seconds",
    "cpu_vcpu_hour": "Batch vCPU-hours, CPU queue",
    "cpu_gib_hour": "Batch GiB-hours, CPU queue",
    "gpu_vcpu_hour": "Batch vCPU-hours, GPU queue",
    "gpu_gib_hour": "Batch GiB-hours, GPU queue",
    "gpu_hour": "Batch GPU-hours",
    "s3_write": "S3 PUT, COPY, POST, LIST requests",
    "s3_read": "S3 GET, HEAD requests",
    "s3_gb_month": "S3 GB-months",
    "table_write": "DynamoDB write units",
    "log_gb": "CloudWatch Logs GB",
    "mail": "SNS mails",
}


def bill(usage: Usage, counted: Iterable[str] = (), prices: Prices = US_EAST_1) -> Bill:
    """Return the bill of a usage; `counted` names the items that were counted or timed, not derived or assumed."""
    used = asdict(usage)
    items = {name: amount * getattr(prices, name) for name, amount in used.items()}
    return Bill(
        region=REGION, prices_of=DATE, usage=used, dollars=items, total=sum(items.values()), counted=sorted(counted)
    )


def combined(bills: Sequence[Bill]) -> Bill:
    """Return the bill of a run's executions in one; they keep the same objects, so a month of those counts once."""
    usages = [Usage(**execution_bill.usage) for execution_bill in bills]
    stored = max(usage.s3_gb_month for usage in usages)
    counted = set(bills[0].counted).intersection(*(execution_bill.counted for execution_bill in bills))
    return bill(replace(sum(usages, Usage()), s3_gb_month=stored), counted)


def describe_bill(cost: Bill, estimate: float | None) -> str:
    """Return a bill in a few words; the report has its prices, and each item."""
    return f"about {dollars(cost.total)}" + ("" if estimate is None else f" (estimated {dollars(estimate)})")


def dollars(amount: float) -> str:
    """Return an amount in words: cents from a dollar on, else four digits after the point."""
    if 0 < amount < 0.0001:
        return "less than $0.0001"
    return f"${amount:,.2f}" if amount >= 1 else f"${amount:.4f}"


def largest_item(cost: Bill) -> str:
    """Return the item that costs the most, with its dollars."""
    name = max(cost.dollars, key=lambda item: cost.dollars[item])
    return f"{LABELS[name]} {dollars(cost.dollars[name])}"
