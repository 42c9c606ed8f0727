# Tasks on embeddings, their baselines, and the one table of all results.


rule evaluate:
    """All tasks on one checkpoint's embeddings: metrics with intervals, and a row per item."""
    input:
        TASK_FILES,
        embeddings=f"{RESULTS}/{{model}}/{{objective}}/seed{{seed}}/embeddings.safetensors",
        hierarchies=config["test_set"]["hierarchies"],
    output:
        metrics=collect(
            f"{RESULTS}/{{{{model}}}}/{{{{objective}}}}/seed{{{{seed}}}}/{{task}}.json", task=TASKS
        ),
        tables=collect(
            f"{RESULTS}/{{{{model}}}}/{{{{objective}}}}/seed{{{{seed}}}}/{{task}}.parquet",
            task=TASKS,
        ),
    log:
        "logs/evaluate/{model}-{objective}-seed{seed}.log",
    benchmark:
        "logs/benchmarks/evaluate/{model}-{objective}-seed{seed}.tsv"
    wildcard_constraints:
        model=any_of(model for model in config["models"] if model not in TEXT_ONLY),
        objective="(?!baseline)[^/]+",
    conda:
        "../envs/torch.yml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(60),
    params:
        *code_of("evaluate.py"),
        settings=lambda wildcards: EVALUATION,
    script:
        "../scripts/evaluate.py"


use rule evaluate as evaluate_texts with:
    output:
        metrics=collect(
            f"{RESULTS}/{{{{model}}}}/{{{{objective}}}}/seed{{{{seed}}}}/{{task}}.json",
            task=TEXT_TASKS,
        ),
        tables=collect(
            f"{RESULTS}/{{{{model}}}}/{{{{objective}}}}/seed{{{{seed}}}}/{{task}}.parquet",
            task=TEXT_TASKS,
        ),
    wildcard_constraints:
        model=any_of(TEXT_ONLY),
        objective="(?!baseline)[^/]+",


rule evaluate_baselines:
    """What caption length and chance reach on the same items."""
    input:
        TASK_FILES,
        hierarchies=config["test_set"]["hierarchies"],
    output:
        [result_files(name, "baseline", 0, tasks) for name, tasks in BASELINES.items()],
    log:
        "logs/evaluate_baselines.log",
    benchmark:
        "logs/benchmarks/evaluate_baselines.tsv"
    conda:
        "../envs/torch.yml"
    resources:
        mem_mb=growing(4000),
        runtime=growing(60),
    params:
        *code_of("evaluate_baselines.py"),
        settings=lambda wildcards: EVALUATION,
        results=lambda wildcards: RESULTS,
    script:
        "../scripts/evaluate_baselines.py"


rule summarise:
    """One row per model, objective, seed, task and metric."""
    input:
        results=[
            [result_files(*run, TASKS, ["json"]) for run in RUNS],
            [
                result_files(name, "baseline", 0, tasks, ["json"])
                for name, tasks in BASELINES.items()
            ],
        ],
    output:
        summary=report(
            f"{RESULTS}/summary.csv",
            caption="../report/summary.rst",
            category="3. Data",
            labels={"table": "every metric of every run"},
        ),
        headline=f"{RESULTS}/metrics.json",
    log:
        "logs/summarise.log",
    benchmark:
        "logs/benchmarks/summarise.tsv"
    conda:
        "../envs/core.yml"
    resources:
        mem_mb=growing(2000),
        runtime=growing(10),
    params:
        *code_of("summarise.py"),
    script:
        "../scripts/summarise.py"


rule compare_objectives:
    """What alignment changes: paired differences between runs of one model."""
    input:
        TASK_FILES,
        [result_files(*run, TASKS, ["parquet"]) for run in RUNS],
    output:
        differences=report(
            f"{RESULTS}/differences.csv",
            caption="../report/differences.rst",
            category="3. Data",
            labels={"table": "paired differences"},
        ),
        pooled=report(
            f"{RESULTS}/pooled.csv",
            caption="../report/pooled.rst",
            category="3. Data",
            labels={"table": "means over trainings or orders"},
        ),
    log:
        "logs/compare_objectives.log",
    benchmark:
        "logs/benchmarks/compare_objectives.tsv"
    # All reports wait for it.
    priority: 5
    conda:
        "../envs/torch.yml"
    resources:
        mem_mb=growing(4000),
        runtime=growing(30),
    params:
        *code_of("compare_objectives.py"),
        runs=RUNS,
        settings=lambda wildcards: EVALUATION,
        results=lambda wildcards: RESULTS,
    script:
        "../scripts/compare_objectives.py"


rule probe:
    """Every model probed, every baseline, and the summary."""
    input:
        [result_files(*run, TASKS) for run in RUNS],
        [result_files(name, "baseline", 0, tasks) for name, tasks in BASELINES.items()],
        rules.summarise.output,
        rules.compare_objectives.output,
