# The whole study. `snakemake --cores 8 all` makes everything; see README.md for other targets.
from pathlib import Path


configfile: Path(workflow.basedir, "params.yaml")


include: "workflow/Snakefile"


localrules:
    all,


# Here and not in the included file, whose default target would not count.
rule all:
    default_target: True
    input:
        rules.probe.input,
        collect(f"{RESULTS}/reports/{{notebook}}.html", notebook=NOTEBOOKS),
        rules.hierarchies.input if GENERATED else [],
        rules.export_explorer.output,
        rules.write_index.output,
        f"{RESULTS}/mlflow.json",
