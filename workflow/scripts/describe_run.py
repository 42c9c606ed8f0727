"""Write what the reports say of the run itself."""

from _job import job

with job(snakemake):
    from hierarcaps.data.hierarchy import read_hierarchies
    from hierarcaps.evaluation.results import versions
    from hierarcaps.runtime.files import sha256_json, write_json

    items = read_hierarchies(snakemake.input.hierarchies)
    params = snakemake.params.params
    write_json(
        snakemake.output[0],
        {
            "params": params,
            "params_sha256": sha256_json(params),
            "versions": versions(),
            "test_set": {
                "source": params["test_set"]["name"],
                "n_items": len(items),
                "n_texts": len({tier for item in items for tier in item.tiers}),
            },
        },
    )
