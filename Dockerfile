# The official image with what the addons and the sandbox need on top.
FROM odoo:19.0
USER root
COPY requirements-addons.txt /tmp/requirements-addons.txt
RUN pip3 install --no-cache-dir --break-system-packages -r /tmp/requirements-addons.txt aiohttp \
    && install -d -o odoo -g odoo /var/lib/sandbox
USER odoo
