# Two commands: `make build` (environment and main job on the sample), `make test` (everything).
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.ready

.DEFAULT_GOAL := build
.PHONY: build test sample lint bench bi docs spark-test lock clean

build: $(STAMP)
	$(BIN)/applicant-personas build --exclude-resource-type unit_test
	$(BIN)/applicant-personas page

test: $(STAMP)
	$(MAKE) --jobs 2 --output-sync=target lint sample
	PERSONAS_BUILT_SAMPLE=$(SAMPLE) \
		$(BIN)/pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder

# Built and tested afresh, with nothing of an earlier build in it; the Python tests read it too, and
# copies of it, whose views want the name.
SAMPLE := target/sample/warehouse.duckdb
sample: $(STAMP)
	rm -rf $(dir $(SAMPLE))
	mkdir -p $(dir $(SAMPLE))
	PERSONAS_WAREHOUSE=$(SAMPLE) DBT_LOG_LEVEL_FILE=none $(BIN)/dbt build --target ci

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	PERSONAS_WAREHOUSE=:memory: DBT_TARGET_PATH=target/lint DBT_LOG_PATH=target/lint \
		PYTHONPATH=tests/lint $(BIN)/sqlfluff lint --processes 2 --disable-progress-bar models tests/singular

# The whole build beside a notebook, by size: make bench PERSONS="10000 1000000".
PERSONS ?= 10000 100000 1000000
bench: $(STAMP)
	$(BIN)/python benchmarks/whole_build.py --persons $(PERSONS)

# The static site of dbt's documentation: target/static_index.html.
docs: $(STAMP)
	$(BIN)/dbt docs generate --static

# Clients of others on the copy that `make build` published: docs/connect.md. Each has an environment
# of its own; the first time takes some minutes, mostly to fetch Superset.
CLIENTS := metricflow superset duckdb_1_2
bi: $(STAMP) $(CLIENTS:%=target/clients/%/.ready) serve/personas.duckdb
	$(BIN)/dbt parse --quiet
	$(BIN)/pytest -p no:cacheprovider tests/bi

serve/personas.duckdb: | $(STAMP)
	$(MAKE) build

target/clients/%/.ready: tests/bi/clients/%.lock
	$(BIN)/uv venv --quiet --clear --python $(BIN)/python target/clients/$*
	$(BIN)/uv pip sync --quiet --compile-bytecode --python target/clients/$* --require-hashes $<
	touch $@

# Apache Spark, in an environment of its own: its adapter's tests, in a session and by Spark Connect,
# then the sample on a master and two workers of this machine beside DuckDB, every mart compared: ten
# minutes on two cores.
spark-test: $(STAMP) spark/$(STAMP)
	spark/$(BIN)/pytest --config-file spark/pyproject.toml spark/tests
	SPARK_REMOTE='local[1]' spark/$(BIN)/pytest --config-file spark/pyproject.toml spark/tests
	spark/$(BIN)/python spark/cluster_test.py

spark/$(STAMP): spark/requirements.lock spark/pyproject.toml pyproject.toml | $(STAMP)
	test -x spark/$(BIN)/python || $(PYTHON) -m venv spark/$(VENV)
	$(BIN)/uv pip sync --quiet --python spark/$(BIN)/python --require-hashes spark/requirements.lock
	$(BIN)/uv pip install --quiet --python spark/$(BIN)/python --no-deps --no-build-isolation \
		--editable . --editable ./spark
	touch $@

$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or later is needed: name it, as in make build PYTHON=python3.12"; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet "$$(sed -n 's/^\(uv==[^ ]*\).*/\1/p' requirements.lock)"
	$(BIN)/uv pip sync --quiet --compile-bytecode --python $(BIN)/python --require-hashes requirements.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	touch $@

# Rewrites the lock from pyproject.toml; the only target that resolves versions.
lock: $(STAMP)
	$(BIN)/uv pip compile --universal --generate-hashes --no-header --python-version 3.11 \
		--group build --group lint --group test --output-file requirements.lock pyproject.toml
	for client in $(CLIENTS); do \
		$(BIN)/uv pip compile --generate-hashes --no-header --no-annotate --python-version 3.11 \
			--output-file tests/bi/clients/$$client.lock tests/bi/clients/$$client.in || exit 1; \
	done
	$(BIN)/uv pip compile --universal --generate-hashes --no-header --python-version 3.11 --extra java --extra connect \
		--group spark/pyproject.toml:build --group spark/pyproject.toml:test \
		--output-file spark/requirements.lock spark/pyproject.toml pyproject.toml

clean:
	rm -rf target logs serve warehouse.duckdb* .pytest_cache .mypy_cache .ruff_cache
