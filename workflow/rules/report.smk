# What people read: rendered notebooks, the explorer, the index, and the MLflow mirror.


# What the notebooks show: [model, objective, seeds].
REPORTED = [[model, "zeroshot", seeds] for model, seeds in TRAININGS.items()]
OF_IMAGES = [each for each in REPORTED if each[0] not in TEXT_ONLY]

# The same for models before and after alignment, and the learning curve of each alignment.
COMPARED = [
    [model, objective, seeds]
    for model in ALIGNMENT["models"]
    for objective, seeds in (
        ("zeroshot", TRAININGS[model]),
        *((objective, ALIGNMENT_SEEDS[model]) for objective in ALIGNMENT["objectives"]),
    )
]
CURVES = [
    [model, objective, seed, f"models/{model}/{objective}/seed{seed}/curve.csv"]
    for model, objective, seed in ALIGNED
]

# Studies of their own (`make ablations`, `make sweep`): shown where they were run.
FURTHER = {name: f"{RESULTS}/{name}" for name in ("ablations", "sweep")}

# The tasks of the leaderboard, and the results that others submitted to it.
BOARD_TASKS = ["hierarchical_retrieval", "ordering", "retrieval"]
SUBMITTED = [
    str(path)
    for task in BOARD_TASKS
    for path in sorted(Path(workflow.basedir, "submissions").glob(f"*/zeroshot/seed0/{task}.*"))
]

# What several notebooks read.
STUDY = [*rules.probe.input, f"{RESULTS}/run.json", f"{RESULTS}/examples.parquet"]


# What each notebook reads, and the parameters that it is rendered with.
NOTEBOOKS = {
    **(
        {
            "dataset": {
                "input": rules.write_datasheet.output,
                "parameters": {"datasheet": f"{DATA}/datasheet.json"},
            }
        }
        if GENERATED
        else {}
    ),
    "zero_shot": {
        "input": [
            *STUDY,
            *embeddings_of(REPORTED),
            *[f"{RESULTS}/figures/contact_sheet.png"] * ("drawn_world" in EVALUATION),
        ],
        "parameters": {"results": RESULTS, "models": REPORTED},
    },
    **(
        {
            "alignment": {
                "input": [
                    *STUDY,
                    *embeddings_of(COMPARED),
                    *[curve for _, _, _, curve in CURVES],
                    *[
                        file
                        for folder in FURTHER.values()
                        if Path(file := f"{folder}/pooled.csv").is_file()
                    ],
                ],
                "parameters": {
                    "results": RESULTS,
                    "models": COMPARED,
                    "curves": CURVES,
                    **FURTHER,
                },
            }
        }
        if ALIGNED
        else {}
    ),
    "qualitative": {
        "input": STUDY,
        "parameters": {"results": RESULTS, "models": COMPARED or OF_IMAGES},
    },
    "paper": {
        "input": [*STUDY, f"{RESULTS}/published.csv"],
        "parameters": {"results": RESULTS, "models": COMPARED or REPORTED},
    },
}

if len(config["models"]) > 1:
    NOTEBOOKS["leaderboard"] = {
        "input": [*STUDY, f"{RESULTS}/leaderboard.json"],
        "parameters": {"results": RESULTS, "models": REPORTED},
    }

# What the explorer shows: one seed of every model, before and after alignment, and chance.
EXPLORED = [
    *((model, objective, seeds[0]) for model, objective, seeds in OF_IMAGES),
    *(run for run in ALIGNED if run[2] == ALIGNMENT_SEEDS[run[0]][0]),
    ("random", "baseline", 0),
]


rule describe_run:
    """Parameters, versions and the size of the test set, for the reports."""
    input:
        hierarchies=config["test_set"]["hierarchies"],
    output:
        f"{RESULTS}/run.json",
    log:
        "logs/describe_run.log",
    benchmark:
        "logs/benchmarks/describe_run.tsv"
    conda:
        "../envs/core.yml"
    resources:
        mem_mb=growing(1000),
        runtime=growing(10),
    params:
        *code_of("describe_run.py"),
        params=lambda wildcards: config,
    script:
        "../scripts/describe_run.py"


rule pick_examples:
    """Test items to show with their pictures, chosen by seed and not by result."""
    input:
        hierarchies=config["test_set"]["hierarchies"],
        images=config["test_set"]["images"],
    output:
        f"{RESULTS}/examples.parquet",
    log:
        "logs/pick_examples.log",
    benchmark:
        "logs/benchmarks/pick_examples.tsv"
    conda:
        "../envs/core.yml"
    resources:
        mem_mb=growing(2000),
        runtime=growing(10),
    params:
        *code_of("pick_examples.py"),
        settings=lambda wildcards: config["report"],
    script:
        "../scripts/pick_examples.py"


rule compare_published:
    """Published numbers beside ours, each with what is the same and what differs."""
    input:
        # What only a checkpoint of MERU's format tells: whether it is on the hyperboloid.
        [
            result_files(name, "zeroshot", TRAININGS[name][0], ["ordering"], ["json"])
            for name, entry in config["models"].items()
            if "meru" in entry
        ],
        summary=f"{RESULTS}/summary.csv",
        pooled=f"{RESULTS}/pooled.csv",
        run=f"{RESULTS}/run.json",
    output:
        report(
            f"{RESULTS}/published.csv",
            caption="../report/published.rst",
            category="3. Data",
            labels={"table": "published values beside ours"},
        ),
    log:
        "logs/compare_published.log",
    benchmark:
        "logs/benchmarks/compare_published.tsv"
    # A report waits for it.
    priority: 5
    conda:
        "../envs/core.yml"
    resources:
        mem_mb=growing(2000),
        runtime=growing(10),
    params:
        *code_of("compare_published.py", "config/paper_results.csv"),
    script:
        "../scripts/compare_published.py"


rule write_leaderboard:
    """Every model by metric, with its interval and the ranks that noise allows."""
    input:
        [result_files(*run, BOARD_TASKS) for run in RUNS],
        [
            result_files(name, "baseline", 0, [task for task in tasks if task in BOARD_TASKS])
            for name, tasks in BASELINES.items()
        ],
        SUBMITTED,
    output:
        report(
            f"{RESULTS}/leaderboard.json",
            caption="../report/leaderboard.rst",
            category="3. Data",
            labels={"table": "leaderboard"},
        ),
    log:
        "logs/write_leaderboard.log",
    benchmark:
        "logs/benchmarks/write_leaderboard.tsv"
    conda:
        "../envs/torch.yml"
    resources:
        mem_mb=growing(4000),
        runtime=growing(30),
    params:
        *code_of("write_leaderboard.py", "config/weights.csv"),
        runs=[*RUNS, *((name, "baseline", 0) for name in BASELINES)],
        results=lambda wildcards: RESULTS,
        study={
            "test_set": config["test_set"]["name"],
            "bootstrap": EVALUATION["bootstrap"],
            "aligned_on": ALIGNMENT["training"],
            "pretrained": {
                name: (
                    "drawn world of this study"
                    if {**config["pretrain"]["training"], **variant}["steps"]
                    else "nothing: random weights"
                )
                for name, variant in config["pretrain"]["variants"].items()
            },
        },
    script:
        "../scripts/write_leaderboard.py"


rule render_report:
    """A notebook template, executed on the results: the notebook and a self-contained page."""
    input:
        lambda wildcards: NOTEBOOKS[wildcards.notebook]["input"],
    output:
        notebook=f"{RESULTS}/reports/{{notebook}}.ipynb",
        page=report(
            f"{RESULTS}/reports/{{notebook}}.html",
            caption="../report/notebook.rst",
            category="1. Notebooks",
            labels={"notebook": "{notebook}"},
        ),
        figures=report(
            directory(f"{RESULTS}/figures/{{notebook}}"),
            patterns=["{kind,figure|table}-{number,[0-9]+}-{title}.html"],
            caption="../report/figure.rst",
            category="2. Figures and tables",
            subcategory="{notebook}",
            # One label: of two values of a label the report makes a switch, for which it needs
            # a result of each.
            labels={"shows": "{number} {title} ({kind})"},
        ),
    log:
        "logs/render_report/{notebook}.log",
        notebook="logs/render_report/{notebook}.ipynb",
    benchmark:
        "logs/benchmarks/render_report/{notebook}.tsv"
    conda:
        "../envs/report.yml"
    resources:
        mem_mb=growing(4000),
        runtime=growing(30),
    params:
        code=lambda wildcards: code_of("render_report.py", f"notebooks/{wildcards.notebook}.ipynb"),
        parameters=lambda wildcards: NOTEBOOKS[wildcards.notebook]["parameters"],
    script:
        "../scripts/render_report.py"


rule export_explorer:
    """A static page to browse every image and the hierarchies that each run retrieves for it."""
    input:
        [result_files(*run, ["hierarchical_retrieval"], ["parquet"]) for run in EXPLORED],
        hierarchies=config["test_set"]["hierarchies"],
        images=config["test_set"]["images"],
    output:
        [f"{RESULTS}/explorer/{name}" for name in explorer_files(len(EXPLORED))],
    log:
        "logs/export_explorer.log",
    benchmark:
        "logs/benchmarks/export_explorer.tsv"
    conda:
        "../envs/core.yml"
    resources:
        mem_mb=growing(2000),
        runtime=growing(30),
    params:
        *code_of("export_explorer.py"),
        runs=EXPLORED,
        results=lambda wildcards: RESULTS,
    script:
        "../scripts/export_explorer.py"


# What the index links beside the notebooks and the explorer.
LINKED = {
    "summary.csv": "every metric of every run, with its interval",
    "differences.csv": "paired differences between runs of one model",
    "pooled.csv": "means over trainings, or orders of the training items, with one interval",
    "published.csv": "published numbers beside ours, and what is the same",
    "leaderboard.json": "every model by metric, with its interval and possible ranks",
    "metrics.json": "the headline, for dvc metrics",
    "run.json": "parameters, versions and test set",
}


rule write_index:
    """The first page of the results: links, headline, provenance and durations."""
    input:
        [f"{RESULTS}/reports/{name}.{kind}" for name in NOTEBOOKS for kind in ("ipynb", "html")],
        [f"{RESULTS}/{name}" for name in LINKED],
        rules.export_explorer.output[0],
    output:
        f"{RESULTS}/index.html",
    log:
        "logs/write_index.log",
    benchmark:
        "logs/benchmarks/write_index.tsv"
    conda:
        "../envs/core.yml"
    resources:
        mem_mb=growing(2000),
        runtime=growing(10),
    params:
        *code_of("write_index.py"),
        results=lambda wildcards: RESULTS,
        models=[
            *REPORTED,
            *(entry for entry in COMPARED if entry[1] != "zeroshot"),
        ],
        notebooks=list(NOTEBOOKS),
        links=LINKED,
    script:
        "../scripts/write_index.py"


# The models that are trained on the way have runs too.
MIRRORED = [
    *(mirrored_run(*run) for run in RUNS),
    *[
        {
            "key": "hierarchy-model",
            "tags": {"model": "hierarchy-model"},
            "params": GENERATION["hierarchy_model"],
            "files": [f"{HIERARCHY_MODEL}/curve.csv", f"{HIERARCHY_MODEL}/held_out.json"],
        }
    ]
    * GENERATED,
    *[
        {
            "key": "nli",
            "tags": {"model": "nli"},
            "params": NLI.get("train", {}),
            "files": ["models/nli/curve.csv", "models/nli/accuracy.json"],
        }
    ]
    * (GENERATED and bool(NLI_FILES)),
]


rule mirror_to_mlflow:
    """Mirror each result to an MLflow run of its own; the files stay the truth."""
    input:
        [run["files"] for run in MIRRORED],
    output:
        f"{RESULTS}/mlflow.json",
    log:
        "logs/mirror_to_mlflow.log",
    benchmark:
        "logs/benchmarks/mirror_to_mlflow.tsv"
    conda:
        "../envs/tracking.yml"
    resources:
        mem_mb=growing(2000),
        runtime=growing(30),
    params:
        *code_of("mirror_to_mlflow.py"),
        runs=lambda wildcards: MIRRORED,
    script:
        "../scripts/mirror_to_mlflow.py"
