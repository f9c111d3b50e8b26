# `make up` starts a site, `make test` runs every test. Both install what they need first, and only when it has changed.

VENV := .venv
PYTHON := $(VENV)/bin/python
PIP := $(PYTHON) -m pip -qq --disable-pip-version-check --no-input
KERNELS := registry/formats registry/pickles registry/converting registry/licenses registry/imaging registry/engines inference/prompts inference/engine gallery/imagemeta
UV := uv==0.13.9
LOCK := $(VENV)/bin/uv pip compile -q --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-annotate --no-header pyproject.toml
LANGUAGES := vi zh_Hans de
SITES := $(VENV)/bin/pytest -q -n 3 --dist loadfile --no-loadscope-reorder
# torch's builds for the CPU and for CUDA differ under one version: pip picks one, and with it what it needs of CUDA.
TORCH := $(shell grep -o '"torch==[^"]*' pyproject.toml | tr -d '"')
CUDA := triton cuda-bindings cuda-pathfinder cuda-toolkit lazy-importer $(addprefix nvidia-,cublas cuda-cupti cuda-nvrtc \
	cuda-runtime cudnn-cu13 cufft cufile curand cusolver cusparse cusparselt-cu13 nccl-cu13 nvjitlink nvshmem-cu13 nvtx)

export PIP_ROOT_USER_ACTION := ignore
# Compiled modules are kept, whatever the environment says: compiling is most of what the start of a process takes.
unexport PYTHONDONTWRITEBYTECODE
MAKEFLAGS += --no-print-directory
.PHONY: up test web engine moderation dev venv browser lock messages

# make up ARGS="--bind 127.0.0.1:9000 --demo"; RENDER=0 leaves the rendering engine out.
up: web
	@[ "$(RENDER)" = 0 ] || $(MAKE) engine || echo "The rendering engine could not be installed: starting without it." >&2
	@exec $(PYTHON) manage.py up $(ARGS)

# Style, types and contracts first; then the tests, those that start whole sites and browsers apart from the rest: they
# wait for other processes much of their time, so that a worker more than two keeps two cores busy.
test: dev browser
	@$(VENV)/bin/ruff check --quiet .
	@$(VENV)/bin/ruff format --check --quiet .
	@$(VENV)/bin/mypy $(KERNELS)
	@$(VENV)/bin/lint-imports
	@$(VENV)/bin/pytest -q -n 2 -m "not site and not browser and not gpu"
	@if [ -f $(VENV)/.no-browser ]; then \
		$(SITES) -m "site and not browser"; \
		echo "The browser tests were not run: $$(cat $(VENV)/.no-browser)" >&2; exit 1; \
	fi
	@$(SITES) -m "(site or browser) and not gpu"

# A package set is installed when its lock differs from the copy that the last installation left.
web: venv
	@cmp -s requirements/web.txt $(VENV)/.web.txt || { \
		echo "Installing Safelight's packages (a minute or two) ..."; \
		$(PIP) install --require-hashes -r requirements/web.txt && cp requirements/web.txt $(VENV)/.web.txt; }

# The lock names all of it but torch, whose needs are in the lock too: what is left for the second line is torch itself.
engine: web
	@cmp -s requirements/inference.txt $(VENV)/.inference.txt || { \
		echo "Installing the rendering engine (a few minutes; RENDER=0 leaves it out) ..."; \
		$(PIP) install --no-deps --require-hashes -r requirements/inference.txt && $(PIP) install "$(TORCH)" \
			&& cp requirements/inference.txt $(VENV)/.inference.txt; }

# What scores pictures for the moderators; not part of `make up`.
moderation: web
	@cmp -s requirements/moderation.txt $(VENV)/.moderation.txt || { \
		echo "Installing the picture classifier ..."; \
		$(PIP) install --no-deps --require-hashes -r requirements/moderation.txt \
			&& cp requirements/moderation.txt $(VENV)/.moderation.txt; }

dev: engine
	@cmp -s requirements/dev.txt $(VENV)/.dev.txt || { \
		echo "Installing Safelight's packages and those of its tests (a few minutes) ..."; \
		$(PIP) install --require-hashes -r requirements/dev.txt && cp requirements/dev.txt $(VENV)/.dev.txt; }

venv:
	@$(PYTHON) -m pip --version >/dev/null 2>&1 || { \
		for python in python3.13 python3.12 python3.11 python3; do \
			$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && break; python=; \
		done; \
		[ -n "$$python" ] || { echo "Safelight needs Python 3.11 or newer." >&2; exit 1; }; \
		$$python -m venv --clear $(VENV) || { rm -rf $(VENV); exit 1; }; }

# What the browser tests need from Debian. Without root the line to type is printed, and the rest of the tests runs.
browser: dev
	@rm -f $(VENV)/.no-browser; missing=; \
	command -v chromium >/dev/null || missing="chromium"; \
	[ -n "$$(fc-list :lang=zh-cn 2>/dev/null | head -n 1)" ] || missing="$$missing fonts-noto-cjk fonts-dejavu-core"; \
	[ -z "$$missing" ] || { \
		line="apt-get install --yes --no-install-recommends $$missing"; \
		if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
			echo "Installing for the browser tests: $$missing"; \
			apt-get update -qq && DEBIAN_FRONTEND=noninteractive $$line -qq >/dev/null; \
		else \
			echo "they need: sudo $$line" | tee $(VENV)/.no-browser >&2; \
		fi; }

# Pin everything that pyproject.toml asks for.
lock: venv
	@$(PIP) install $(UV)
	@$(LOCK) -o requirements/web.txt
	@$(LOCK) --extra inference -c requirements/web.txt $(addprefix --no-emit-package ,torch $(CUDA)) -o requirements/inference.txt
	@$(LOCK) --extra moderation -c requirements/web.txt -c requirements/inference.txt -o requirements/moderation.txt
	@$(LOCK) --extra dev -c requirements/web.txt -c requirements/inference.txt -o requirements/dev.txt

# Collect the texts to translate (needs Debian's gettext) and compile the translations.
messages: dev
	@mkdir -p locale
	@$(PYTHON) manage.py makemessages $(addprefix -l ,$(LANGUAGES)) --no-wrap --no-location -i $(VENV) -i var -i tests -i bench
	@$(PYTHON) -c 'import pathlib, polib; [polib.pofile(str(po)).save_as_mofile(str(po.with_suffix(".mo"))) for po in pathlib.Path("locale").rglob("*.po")]'
