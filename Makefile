# `make book` and `make test` are all that a fresh machine needs: the first run fills .venv.
#   book     build the website into _build/html      serve  build it and serve it on this machine
#   test     quick, nbval, book, site and teach      quick  lint and the unit tests
#   nbval    run the notebooks, compare outputs      site   look at the built website in a browser
#   sync     notebooks from their texts; REPO=owner/name first sets the repository's address
#   outputs  run the notebooks, store their outputs; NB=01 runs one, here and in nbval
#   lab      JupyterLab                              lint   ruff, on the notebooks too
#   pdf      the whole book as one PDF               zip    the site, offline
#   bench    measure what the course claims          measure  time and memory of the notebooks
#   unit     the unit tests                          audit    the pins, among known vulnerabilities
#   test-colab   set-up cell, unit tests and nbval with Colab's versions, on every Python found
# PYTHON names another Python (3.11 to 3.13); TORCH=cpu takes PyTorch's small wheel for the CPU.
PYTHON ?= python3
VENV ?= .venv
PINS ?= requirements.txt
PY := $(VENV)/bin/python
READY := $(VENV)/ready
.PHONY: help book test quick unit nbval site lint sync outputs lab serve bench measure pdf zip test-colab audit
.NOTPARALLEL:
help: ; @sed -n 's/^# //p' Makefile teach.mk
book: $(READY) ; $(PY) scripts/build_book.py
test: quick nbval book site teach
quick: lint unit
unit: $(READY) ; $(PY) -m pytest -q -n 2 --dist loadfile --ignore tests/site --ignore tests/teach
nbval: $(READY) ; $(PY) scripts/run_nbval.py $(NB)
site: $(READY) ; scripts/browser && $(PY) -m pytest -q -n 2 --dist loadfile tests/site
lint: $(READY) ; $(PY) -m ruff check .
sync: $(READY) ; $(PY) scripts/sync.py $(REPO)
outputs: sync ; $(PY) scripts/run_notebooks.py $(NB)
lab: $(READY) ; $(PY) -m jupyterlab notebooks
serve: book ; $(PY) -m http.server --bind 127.0.0.1 --directory _build/html 8000
pdf: $(READY) ; $(PY) scripts/make_pdf.py
zip: $(READY) ; $(PY) scripts/make_zip.py
bench: $(READY) ; for script in benchmarks/*.py; do $(PY) $$script || exit 1; done
measure: $(READY) ; $(PY) scripts/measure_notebooks.py $(NB)
test-colab: ; scripts/test_colab $(if $(filter-out file,$(origin PYTHON)),"$(PYTHON)")
audit: ; "$(PYTHON)" -m venv .venv-audit && .venv-audit/bin/pip install -q pip-audit==2.10.1 && .venv-audit/bin/pip-audit --strict --disable-pip --no-deps -r requirements.txt
$(READY): $(PINS) pyproject.toml ; scripts/venv $(VENV) $(PINS) "$(PYTHON)" "$(TORCH)"
include teach.mk
