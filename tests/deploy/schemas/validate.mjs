// validate.mjs: objects of Kubernetes as a JSON array on standard input, held against the schemas of Kubernetes and of the Prometheus
// Operator. A line for each fault; exit 1 when there are any.
//
// The schemas are functions that pass over fields they do not know, which is how a misspelt one gets through. So they are shown objects
// that note what is read of them: what nobody reads is no field.
import { readFileSync } from "node:fs";

const PACKAGES = { "monitoring.coreos.com/v1": "@kubernetes-models/prometheus-operator" };

function watched(value, path, unread) {
  if (value === null || typeof value !== "object") return value;
  const children = new Map();
  if (!Array.isArray(value)) Object.keys(value).forEach((key) => unread.add(`${path}.${key}`));
  return new Proxy(value, {
    get(target, key) {
      if (typeof key !== "string" || !Object.hasOwn(target, key)) return Reflect.get(target, key);
      unread.delete(`${path}.${key}`);
      if (!children.has(key)) children.set(key, watched(target[key], `${path}.${key}`, unread));
      return children.get(key);
    },
  });
}

async function faults(object) {
  const name = `${object.kind} ${object.metadata?.name}`;
  const home = PACKAGES[object.apiVersion] ?? "kubernetes-models";
  const models = await import(`${home}/${object.apiVersion}/${object.kind}`).catch(() => null);
  if (models === null) return [`${name}: ${object.apiVersion} has no schema`];
  const unread = new Set();
  const model = watched(new models[object.kind](object), name, unread);
  try {
    model.validate();
  } catch (error) {
    return [`${name}: ${error.message}`];
  }
  return [...unread].map((path) => `${path}: no such field`);
}

const all = (await Promise.all(JSON.parse(readFileSync(0, "utf8")).map(faults))).flat();
all.forEach((fault) => console.log(fault));
process.exitCode = all.length ? 1 : 0;
