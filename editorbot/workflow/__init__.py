"""What lets Snakemake and DVC agree on what has to run again; see docs/workflow.md."""
