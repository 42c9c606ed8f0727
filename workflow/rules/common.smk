# What several rules share: the sections of the parameters, and functions of wildcards.

ALIGNMENT = config["alignment"]
EVALUATION = config["evaluation"]
GENERATION = config["generation"]
NLI = config["nli"]
RESULTS = config["results"]
DATA = "data/hierarcaps"
HIERARCHY_MODEL = "models/hierarchy"
# The captions of these images are for no training.
LEFT_OUT = config["test_set"].get("left_out", config["test_set"]["hierarchies"])
CHECKPOINT = ["open_clip_config.json", "open_clip_model.safetensors"]
SENTENCE_CHECKPOINT = ["modules.json", "model.safetensors"]
MERU_CHECKPOINT = ["meru_config.json", "meru_model.safetensors"]
TRANSFORMERS_CHECKPOINT = ["config.json", "model.safetensors"]

TASKS = task_names(EVALUATION)
TEXT_TASKS = text_tasks(EVALUATION)
# Encoders of texts alone are probed with the tasks that texts answer.
TEXT_ONLY = [name for name, entry in config["models"].items() if "text_only" in entry]
# Published files, by the folder they go to: downloaded where a task reads one and it is absent.
try:
    DOWNLOADS = read_downloads(
        config.get("downloads", Path(workflow.basedir, "config", "downloads.csv"))
    )
except InputError as error:
    sys.exit(f"Error: {error}")
TASK_FILES = [file for path in task_files(EVALUATION) for file in files_at(DOWNLOADS, path)]
BASELINES = baseline_tasks(EVALUATION)
# A model of several pre-trainings is aligned once from each, another from several orders of items.
TRAININGS = {model: entry.get("seeds", [0]) for model, entry in config["models"].items()}
ALIGNMENT_SEEDS = {
    model: TRAININGS[model] if len(TRAININGS[model]) > 1 else ALIGNMENT["seeds"]
    for model in ALIGNMENT["models"]
}
ALIGNED = [
    (model, objective, seed)
    for model in ALIGNMENT["models"]
    for objective in ALIGNMENT["objectives"]
    for seed in ALIGNMENT_SEEDS[model]
]
# Hierarchies are generated for a study that aligns on them; another has none to make or to report.
GENERATED = bool(ALIGNED) and f"{DATA}/" in f"{ALIGNMENT['training']} {ALIGNMENT['validation']}"
RUNS = [(model, "zeroshot", seed) for model, seeds in TRAININGS.items() for seed in seeds] + ALIGNED


def growing(first, for_each_mb=0):
    """A resource that grows with the input (MB), and with every attempt: what failed gets more."""
    if not for_each_mb:
        return lambda wildcards, attempt: first * attempt

    def grown(wildcards, input, attempt):
        # Not input.size_mb: a file that another run writes while this one looks would be an error.
        megabytes = sum(Path(file).stat().st_size for file in input) / 2**20
        return int(first + for_each_mb * megabytes) * attempt

    return grown


def local_model(name):
    """The files of a model in a local folder; none where a hub provides it."""
    return [f"{name}/{file}" for file in TRANSFORMERS_CHECKPOINT] * name.startswith("models/")


def shards(step, number):
    return [f"{DATA}/{step}/shard{shard}.parquet" for shard in range(number)]


def written(wildcards):
    return shards(wildcards.step, GENERATION["seeds"]["shards"] if wildcards.step == "seeds" else 1)


def split_settings(wildcards):
    """The drawn world without what is of other splits alone."""
    others = {"train", "validation", "test"} - {wildcards.split}
    if wildcards.split != "test":
        others.add("held_out_share")
    return {key: value for key, value in config["scenes"].items() if key not in others}


def scenes_of(split):
    """The scenes that a variant learns from: none for an untrained control."""

    def scenes(wildcards):
        return [f"data/scenes/{split}.parquet"] * bool(variant_settings(wildcards)["steps"])

    return scenes


def pixels_of(wildcards):
    """The training pictures as a variant takes them in; none for an untrained control."""
    variant = variant_settings(wildcards)
    if not variant["steps"]:
        return []
    return f"data/scenes/train-{variant['architecture']['vision_cfg']['image_size']}px.npy"


def variant_settings(wildcards):
    """A variant's settings over the shared ones, with its architecture spelled out."""
    pretrain = config["pretrain"]
    variant = {**pretrain["training"], **pretrain["variants"][wildcards.variant]}
    architecture = pretrain["architectures"][variant["architecture"]]
    # An untrained control knows nothing of training, but what it is built for.
    built = {key: variant[key] for key in ("steps", "objective") if key in variant}
    return {**(variant if variant["steps"] else built), "architecture": architecture}


def judge(*thresholds):
    """What decides the NLI model's answers and, by the named thresholds, what is made of them."""
    return {
        **{key: value for key, value in NLI.items() if key not in ("train", "thresholds")},
        "thresholds": {name: NLI["thresholds"][name] for name in thresholds},
    }


# Positives are not asked whether they contradict.
POSITIVES_JUDGE = judge("entailment", "equivalence")


def local_checkpoint(entry, seed):
    """The files of a model that is loaded from local ones; none where a hub provides it."""
    name, weights = (
        entry.get(key, "").replace("{seed}", str(seed)) for key in ("open_clip", "pretrained")
    )
    if len(Path(weights).parts) > 1:
        return [weights]
    if len(Path(name).parts) > 1 and not name.startswith("hf-hub:"):
        return [f"{name}/{file}" for file in CHECKPOINT]
    if "meru" in entry:
        name = entry["meru"].replace("{seed}", str(seed))
        if name.startswith("hf-hub:"):
            return []
        return [name] if Path(name).suffix else [f"{name}/{file}" for file in MERU_CHECKPOINT]
    if "text_only" in entry:
        files = [Path(entry["text_only"], file) for file in SENTENCE_CHECKPOINT]
        return [str(file) for file in files if file.is_file()]
    name = entry.get("transformers", "").replace("{seed}", str(seed))
    files = [str(Path(name, file)) for file in TRANSFORMERS_CHECKPOINT]
    return local_model(name) or files * Path(files[0]).is_file()


def model_of(wildcards):
    """The registry entry of a run's model; an aligned one is a local checkpoint again."""
    if wildcards.objective == "zeroshot":
        entry = config["models"][wildcards.model]
        return {key: value for key, value in entry.items() if key != "seeds"}
    return aligned_entry(wildcards.model, wildcards.objective)


def of_transformers(model):
    """Whether a model is one of the transformers library; an aligned one is written as it came."""
    return "transformers" in config["models"][model]


def aligned_entry(model, objective):
    """The registry entry of an aligned model, ``{seed}`` being the order of its items."""
    folder = f"models/{model}/{objective}/seed{{seed}}"
    family = "transformers" if of_transformers(model) else "open_clip"
    return {family: folder, "root": f"{folder}/root.json"}


def any_of(models):
    """A pattern of these names alone; of none where there are none."""
    return "|".join(map(re.escape, models)) or "(?!)"


def root_of(wildcards):
    """Where a run's radii start, if the parameters say: a name, or the file of an aligned root."""
    return model_of(wildcards).get("root", "").replace("{seed}", wildcards.seed)


def checkpoint_of(wildcards):
    """The files of a run's model, and the root that it was aligned with."""
    root = root_of(wildcards)
    files = local_checkpoint(model_of(wildcards), wildcards.seed)
    return files + [root] * root.endswith(".json")


def recipe_of(wildcards):
    """The recipe of an objective: the shared one, with what the objective changes."""
    objective = ALIGNMENT["objectives"][wildcards.objective]
    return {**ALIGNMENT["recipe"], **objective}


def base_entry(wildcards):
    """What alignment starts from: the pre-training of its seed, or the only one that there is."""
    trainings = TRAININGS[wildcards.model]
    seed = int(wildcards.seed) if len(trainings) > 1 else trainings[0]
    return {**config["models"][wildcards.model], "seeds": [seed]}


def base_of(wildcards):
    """The checkpoint that alignment starts from."""
    entry = base_entry(wildcards)
    return local_checkpoint(entry, entry["seeds"][0])


def result_files(model, objective, seed, tasks, kinds=("json", "parquet")):
    """The files of those of the tasks that a run answers."""
    if model in TEXT_ONLY:
        tasks = [task for task in tasks if task in TEXT_TASKS]
    folder = f"{RESULTS}/{model}/{objective}/seed{seed}"
    return [f"{folder}/{task}.{kind}" for task in tasks for kind in kinds]


def embeddings_of(listed):
    """The embeddings of runs, listed as the notebooks list them: [model, objective, seeds]."""
    return [
        f"{RESULTS}/{model}/{objective}/seed{seed}/embeddings.safetensors"
        for model, objective, seeds in listed
        for seed in seeds
    ]


def mirrored_run(model, objective, seed):
    """A run of the study as one MLflow run, with the curve of its training."""
    aligned = objective != "zeroshot"
    entry = config["models"][model]
    made = entry.get("open_clip") or entry.get("meru", "")
    folder = f"models/{model}/{objective}/seed{seed}" if aligned else made
    curve = str(Path(folder.replace("{seed}", str(seed)), "curve.csv"))
    made_here = folder.startswith("models/") and not Path(folder).suffix
    return {
        "key": f"{model}/{objective}/seed{seed}",
        "tags": {"model": model, "objective": objective, "seed": str(seed)},
        "params": {
            "objective": objective,
            "seed": seed,
            **entry,
            **({**ALIGNMENT["recipe"], **ALIGNMENT["objectives"][objective]} if aligned else {}),
        },
        "files": result_files(model, objective, seed, TASKS, ["json"]) + [curve] * made_here,
    }
