# The whole study. `snakemake --cores 8 all` makes everything; see README.md for other targets.
from pathlib import Path


configfile: Path(workflow.basedir, "params.yaml")


include: "workflow/Snakefile"
