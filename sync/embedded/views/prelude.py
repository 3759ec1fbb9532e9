"""The JavaScript that surrounds the functions of a design document, as text: what CouchDB offers to map, reduce and filter.

It runs in QuickJS inside the mapper process and has no way out of it. Offered: `emit`, `sum`, `log`, `isArray`,
`toJSON` and `require` of modules under `views.lib` (of a filter: anywhere in its design document, which is its `this`).
Python calls the one function that it returns, and JSON text goes in and out.
"""

PRELUDE = """
(function (sourcesJson, rootJson) {
  'use strict';
  const sources = JSON.parse(sourcesJson);
  const root = JSON.parse(rootJson);
  const stringify = JSON.stringify, parse = JSON.parse;
  const modules = new Map();
  let rows = [];

  globalThis.emit = function (key, value) { rows.push([key, value]); };
  globalThis.sum = function (values) { return values.reduce(function (total, each) { return total + each; }, 0); };
  globalThis.log = function () {};
  globalThis.isArray = Array.isArray;
  globalThis.toJSON = stringify;

  function resolve(path, from) {
    const parts = path.startsWith('.') ? from.slice(0, -1) : [];
    for (const part of path.split('/')) {
      if (part === '..') parts.pop();
      else if (part !== '.' && part !== '') parts.push(part);
    }
    return parts;
  }

  function load(path, from) {
    const parts = resolve(path, from);
    const name = parts.join('/');
    if (modules.has(name)) return modules.get(name).exports;
    const source = parts.reduce(function (at, part) { return at === undefined ? at : at[part]; }, root);
    if (typeof source !== 'string') throw new Error('there is no module ' + path);
    const module = { id: name, exports: {} };
    modules.set(name, module);
    const run = new Function('module', 'exports', 'require', source);
    run.call(module.exports, module, module.exports, function (other) { return load(other, parts); });
    return module.exports;
  }
  globalThis.require = function (path) { return load(path, []); };

  const functions = sources.map(function (source) {
    const made = (0, eval)('(' + source.trim().replace(/;+$/, '') + '\\n)');
    if (typeof made !== 'function') throw new Error('does not evaluate to a function');
    return made;
  });

  function explain(error) { return error instanceof Error ? error.name + ': ' + error.message : String(error); }

  function runMap(index, documentJson) {
    rows = [];
    try { functions[index](parse(documentJson)); } catch (error) { return stringify(explain(error)); }
    try { return stringify(rows); } catch (error) { return stringify(explain(error)); }
  }

  function runFilter(documentJson, requestJson) {
    try { return stringify(functions[0].call(root, parse(documentJson), parse(requestJson)) ? [[null, null]] : []); }
    catch (error) { return stringify(explain(error)); }
  }

  function runReduce(argumentsJson) {
    const given = parse(argumentsJson);
    const value = functions[0](given[0], given[1], given[2]);
    return value === undefined ? 'null' : stringify(value);
  }

  return function (kind, index, text, more) {
    if (kind === 'filter') return runFilter(text, more);
    if (kind === 'reduce') return runReduce(text);
    if (kind === 'one') return runMap(index, text);
    // Joined, not added: a long sum of strings is kept as a rope, which the binding cannot read.
    return ['[', functions.map(function (_, each) { return runMap(each, text); }).join(','), ']'].join('');
  };
})
"""
