# Where images and captions come from: drawn scenes, or the official test set.


rule draw_scenes:
    """Draw a split of the drawn world, with its captions and its gold hierarchies."""
    output:
        scenes="data/scenes/{split}.parquet",
        hierarchies="data/scenes/{split}.csv",
    log:
        "logs/draw_scenes/{split}.log",
    benchmark:
        "logs/benchmarks/draw_scenes/{split}.tsv"
    conda:
        "../envs/core.yml"
    resources:
        mem_mb=growing(2000),
        runtime=growing(30),
    params:
        *code_of("draw_scenes.py"),
        settings=split_settings,
    script:
        "../scripts/draw_scenes.py"


rule draw_contact_sheet:
    """Show every concept of the drawn world on one picture."""
    output:
        report(
            f"{RESULTS}/figures/contact_sheet.png",
            caption="../report/world.rst",
            category="3. Data",
            labels={"table": "the drawn world"},
        ),
    log:
        "logs/draw_contact_sheet.log",
    benchmark:
        "logs/benchmarks/draw_contact_sheet.tsv"
    conda:
        "../envs/core.yml"
    resources:
        mem_mb=growing(1000),
        runtime=growing(10),
    params:
        *code_of("draw_contact_sheet.py"),
    script:
        "../scripts/draw_contact_sheet.py"


rule fetch_official_test_set:
    """Check the official HierarCaps test set, from a local folder or downloaded."""
    input:
        # Another list than the project's own is a source like any other.
        checksums=config["test_set"].get("official_checksums", []),
    output:
        hierarchies="data/official/test.csv",
        images="data/official/test.parquet",
    log:
        "logs/fetch_official_test_set.log",
    benchmark:
        "logs/benchmarks/fetch_official_test_set.tsv"
    retries: 2
    conda:
        "../envs/core.yml"
    resources:
        mem_mb=growing(2000),
        runtime=growing(60),
    params:
        *code_of("fetch_official_test_set.py", "config/official.sha256"),
        directory=lambda wildcards: config["test_set"].get("official_directory"),
    script:
        "../scripts/fetch_official_test_set.py"


for _data_set, _files in by_data_set(DOWNLOADS).items():
    # What is in place is a source like any other, however old: it is never fetched over.
    if not all(Path(each.file).exists() for each in _files):

        rule:
            """Fetch published files, each with the hash that is known of it."""
            name:
                f"download_{_data_set}"
            output:
                [each.file for each in _files],
            log:
                f"logs/download/{_data_set}.log",
            retries: 2
            conda:
                "../envs/core.yml"
            resources:
                mem_mb=growing(2000),
                runtime=growing(120),
            params:
                *code_of("download.py"),
                downloads=[list(vars(each).values()) for each in _files],
            script:
                "../scripts/download.py"


rule curate_test_set:
    """The test set as a person accepted and edited it; the sheet itself is only read."""
    input:
        sheet=lambda wildcards: config["test_set"]["review"]["sheet"],
        proposed=lambda wildcards: config["test_set"]["review"]["of"],
    output:
        "data/reviewed/test.parquet",
    log:
        "logs/curate_test_set.log",
    benchmark:
        "logs/benchmarks/curate_test_set.tsv"
    conda:
        "../envs/core.yml"
    resources:
        mem_mb=growing(2000),
        runtime=growing(10),
    params:
        *code_of("curate_test_set.py"),
    script:
        "../scripts/curate_test_set.py"


rule scenes:
    """The drawn world."""
    input:
        collect(
            "data/scenes/{split}.{kind}",
            split=["train", "validation", "test"],
            kind=["parquet", "csv"],
        ),
