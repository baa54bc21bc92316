# The service alone: embedded stores in /data, unless EVENTSTORE_URL, MONGODB_URL and KEYS_MONGODB_URL name servers.
#   docker build -t customers-service . && docker run --init -p 127.0.0.1:3000:3000 -v customers:/data customers-service
# The command line is beside it: docker exec <container> node dist/admin/main.js --help
FROM node:20.20.2-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts
COPY tsconfig.json tsconfig.build.json ./
COPY tools/build.mjs tools/bundle-packages.mjs tools/verify-export.mjs tools/
COPY src src
# Of the SQLite driver the image needs neither the sources nor what is built for other platforms.
RUN npm run build && rm dist/.tsbuildinfo && npm prune --omit=dev --ignore-scripts \
  && cd node_modules/@photostructure/sqlite && rm -rf src \
  && find prebuilds -name '*.node' ! -path "*/linux-$(node -p process.arch)/*glibc*" -delete

FROM node:20.20.2-bookworm-slim
ENV NODE_ENV=production HOST=0.0.0.0 PORT=3000 DATA_DIR=/data
WORKDIR /app
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/dist dist
# A volume that is mounted here empty takes over owner and mode.
RUN install --directory --owner=node --group=node --mode=700 /data
USER node
EXPOSE 3000
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:' + process.env.PORT + '/health/ready').then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "--enable-source-maps", "dist/main.js"]
