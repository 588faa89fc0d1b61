# The official image with what the addons need on top; `--target sandbox` adds what the sandbox of providers needs.
#
# Named by tag: replace it by a digest before you rely on a build, as compose.yml explains.
ARG ODOO_IMAGE=odoo:19.0

FROM ${ODOO_IMAGE} AS product
USER root
COPY requirements-addons.lock /tmp/requirements.lock
# Every file is checked against its hash in the lock. The image's own Python packages belong to its distribution: pip can
# neither replace them in place nor remove them, so ours are installed beside them.
RUN pip3 install --no-cache-dir --break-system-packages --ignore-installed --require-hashes -r /tmp/requirements.lock \
    && rm /tmp/requirements.lock
USER odoo

FROM product AS sandbox
USER root
COPY requirements-sandbox.lock /tmp/requirements.lock
RUN pip3 install --no-cache-dir --break-system-packages --ignore-installed --require-hashes -r /tmp/requirements.lock \
    && rm /tmp/requirements.lock \
    && install -d -o odoo -g odoo /var/lib/sandbox
USER odoo

# What a plain `docker build .` makes.
FROM product
