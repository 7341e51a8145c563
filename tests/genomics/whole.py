"""What minimap2, samtools and bcftools make of whole files, each in one process."""

import subprocess
from pathlib import Path

_ALIGN = """
minimap2 -a -x sr -R '@RG\\tID:sample\\tSM:sample' genome.fa reads_1.fastq reads_2.fastq |
    samtools fixmate -m - - | samtools sort -o sorted.bam -
samtools markdup sorted.bam whole.bam
samtools index whole.bam
"""
_CALL = """
bcftools mpileup --no-version -f genome.fa -d 2000 -a AD,DP -Ou whole.bam |
    bcftools call --no-version --ploidy 2 -m -v | bcftools norm --no-version -f genome.fa |
    bcftools view --no-version -i 'QUAL >= 20' -o whole.vcf
"""


def shell(folder: Path, script: str) -> str:
    """Run lines of bash in a folder; return what they print."""
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def make_whole(folder: Path) -> None:
    """Make whole.bam and whole.vcf of a sample's files."""
    shell(folder, _ALIGN + _CALL)


def alignments(folder: Path, bam: str) -> list[tuple[str, ...]]:
    """Return the records of a BAM in their order; the tags of each in one order, which a merge changes."""
    rows = (line.split("\t") for line in shell(folder, f"samtools view {bam}").splitlines())
    return [(*row[:11], *sorted(row[11:])) for row in rows]


def calls(folder: Path, vcf: str) -> list[str]:
    """Return the calls of a VCF with all that is told of each."""
    return shell(folder, f"bcftools view --no-version -H {vcf}").splitlines()


def genotypes(folder: Path, vcf: str) -> set[str]:
    """Return what was called where, with the genotype."""
    return set(shell(folder, f"bcftools query -f '%CHROM %POS %REF %ALT [%GT]\\n' {vcf}").splitlines())
