# The pipeline `proteins` with the same chunks; config: input, sequences, step (how to run a step of proteins.py).
checkpoint split:
    output: directory("chunks")
    shell: "{config[step]} split {config[input]} {output} {config[sequences]}"

rule analyse:
    input: "chunks/{chunk}"
    output: "parts/{chunk}"
    shell: "{config[step]} analyse {input} {output}"

def made(wildcards):
    folder = checkpoints.split.get().output[0]
    return expand("parts/{chunk}", chunk=sorted(glob_wildcards(folder + "/{chunk}").chunk))

rule join:
    input: made
    output: "properties.tsv"
    shell: "{config[step]} join {output} {input}"

rule table:
    input: "properties.tsv"
    output: "table.parquet"
    shell: "{config[step]} table {input} {output}"

rule distributions:
    input: "properties.tsv"
    output: "distributions.png"
    shell: "{config[step]} distributions {input} {output}"

rule summary:
    input: "properties.tsv"
    output: "summary.html"
    shell: "{config[step]} summary {input} {output}"

rule all:
    default_target: True
    input: "table.parquet", "distributions.png", "summary.html"
