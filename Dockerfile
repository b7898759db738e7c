# One image for every process of the desk; docker-compose.yml starts each from the same process table as `neuratrade up`.
FROM python:3.12-slim

ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 NEURATRADE_HOME=/home/desk/.neuratrade PATH=/app/.venv/bin:$PATH
RUN useradd --create-home --uid 1000 desk && install -d -o desk -g desk /app
USER desk
WORKDIR /app

COPY --chown=desk:desk requirements.lock ./
RUN python -m venv .venv && .venv/bin/pip install --quiet --no-cache-dir --require-hashes --only-binary :all: -r requirements.lock
COPY --chown=desk:desk . .
# The packages are there already: this adds the `neuratrade` command.
RUN ./install.sh --no-prepare && install -d -m 700 "$NEURATRADE_HOME"

VOLUME /home/desk/.neuratrade
EXPOSE 8765
HEALTHCHECK NONE
CMD ["neuratrade", "up"]
