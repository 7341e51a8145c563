"""The columns of the table, in their order."""

RESIDUES = "ACDEFGHIKLMNPQRSTVWY"
VALUES = ("molecular_weight", "isoelectric_point", "gravy", "instability_index")
PERCENTS = tuple(f"percent_{residue}" for residue in RESIDUES)
COLUMNS = ("id", "length", *VALUES, *PERCENTS, "flags")
UNITS = {
    "length": "residues",
    "molecular_weight": "Da",
    "isoelectric_point": "pH",
    "gravy": "Kyte-Doolittle",
    "instability_index": "above 40: unstable",
}
