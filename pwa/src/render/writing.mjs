/**
 * Writes one template's nodes as JavaScript expressions. Only what `templates/README.md` allows is known here; anything else fails the
 * build with its file and line. In what is written, `c` is the page's data, `b` the blocks that are filled, `T` all templates; `text`
 * escapes a value, `safe` marks HTML as HTML, `each` runs a loop, `size` counts.
 *
 * @typedef {{locals: string[], hasPage: boolean}} Scope names that loops and macros brought; whether the page's data is seen
 */

import nodes from "nunjucks/src/nodes.js";

const OPERATORS = Object.freeze({ "==": "==", "!=": "!=", "<": "<", ">": ">", "<=": "<=", ">=": ">=" });
const FILTERS = Object.freeze({
  default: ([value, other, isEmptyToo]) => (isEmptyToo === "true" ? `(${value} || ${other})` : null),
  length: ([value]) => `size(${value})`,
  join: ([list, sign = '""']) => `${list}.join(${sign})`,
  e: ([value]) => `safe(text(${value}))`,
});

export class Writer {
  /** @param {string} file @param {Map<string, string>} macros what the template may call: the name in the module by its name here */
  constructor(file, macros) {
    this.file = file;
    this.macros = macros;
  }

  /** @returns {Scope} of a template's own text */
  page() {
    return { locals: [], hasPage: true };
  }

  fail(node, why) {
    throw new Error(`${this.file}:${node.lineno + 1}: ${why}`);
  }

  /** A function of a macro's arguments that gives HTML. A macro sees nothing but them, as where it is imported it could not. */
  macro({ args, body }) {
    const names = args.children.map((arg) => (arg.typename === "Symbol" ? arg.value : this.fail(arg, "a macro's argument has a default")));
    return `(${names.map(local).join(", ")}) => ${this.body(body, { locals: names, hasPage: false })}`;
  }

  /** Each block's name with the function that fills it. @returns {[string, string][]} */
  blocksIn(tree) {
    return tree.findAll(nodes.Block).map(({ name, body }) => [name.value, `(c, b) => ${this.body(body, this.page())}`]);
  }

  /** The HTML of some nodes, one expression. @param {any} node @param {Scope} scope */
  body(node, scope) {
    const parts = (node.typename === "NodeList" || node.typename === "Root" ? node.children : [node]).map((child) => this.part(child, scope));
    return `\`${parts.join("")}\``;
  }

  /** One node, as it stands inside a template literal. @param {any} node @param {Scope} scope */
  part(node, scope) {
    const write = {
      Output: () => node.children.map((child) => this.printed(child, scope)).join(""),
      If: () => `\${${this.choice(node, scope)}}`,
      For: () => `\${${this.loop(node, scope)}}`,
      Include: () => `\${T[${this.value(node.template)}].root(${this.shared(scope)})}`,
      Block: () => (scope.locals.length ? this.fail(node, "a block stands in a loop or a macro") : `\${b.${node.name.value}(c, b)}`),
      NodeList: () => node.children.map((child) => this.part(child, scope)).join(""),
      FromImport: () => "",
      Macro: () => "",
    }[node.typename];
    return write ? write() : this.fail(node, `${node.typename} is not for templates`);
  }

  printed(node, scope) {
    if (node.typename === "TemplateData") return escaped(node.value);
    return this.isMacro(node) ? `\${${this.call(node, scope)}}` : `\${text(${this.value(node, scope)})}`;
  }

  choice({ cond, body, else_ }, scope) {
    const other = !else_ ? '""' : else_.typename === "If" ? this.choice(else_, scope) : this.body(else_, scope);
    return `${this.value(cond, scope)} ? ${this.body(body, scope)} : ${other}`;
  }

  loop({ arr, name, body, else_ }, { locals, hasPage }) {
    if (name.typename !== "Symbol") this.fail(name, "a loop has one name");
    const inner = { locals: [...locals, name.value, "loop"], hasPage };
    const other = else_ ? `, () => ${this.body(else_, { locals, hasPage })}` : "";
    return `each(${this.value(arr, { locals, hasPage })}, (${local(name.value)}, ${local("loop")}) => ${this.body(body, inner)}${other})`;
  }

  /** The data that an included template sees. @param {Scope} scope */
  shared({ locals, hasPage }) {
    const own = [...new Set(locals)].filter((name) => name !== "loop").map((name) => `${name}: ${local(name)}`);
    return own.length ? `{ ${[...(hasPage ? ["...c"] : []), ...own].join(", ")} }` : hasPage ? "c" : "{}";
  }

  /** An expression. @param {any} node @param {Scope} [scope] @returns {string} */
  value(node, scope = this.page()) {
    const of = (child) => this.value(child, scope);
    const write = {
      Literal: () => JSON.stringify(node.value),
      Symbol: () => this.name(node, scope),
      LookupVal: () => `${of(node.target)}?.[${of(node.val)}]`,
      FunCall: () => (this.isMacro(node) ? `safe(${this.call(node, scope)})` : this.call(node, scope)),
      Filter: () => this.filter(node, scope),
      Compare: () => this.comparison(node, scope),
      Not: () => `!${of(node.target)}`,
      And: () => `(${of(node.left)} && ${of(node.right)})`,
      Or: () => `(${of(node.left)} || ${of(node.right)})`,
      InlineIf: () => `(${of(node.cond)} ? ${of(node.body)} : ${node.else_ ? of(node.else_) : '""'})`,
      Group: () => `(${node.children.map(of).join(", ")})`,
      Array: () => `[${node.children.map(of).join(", ")}]`,
      Dict: () => `{ ${node.children.map(({ key, value }) => `${of(key)}: ${of(value)}`).join(", ")} }`,
    }[node.typename];
    return write ? write() : this.fail(node, `${node.typename} is not for templates`);
  }

  name(node, { locals, hasPage }) {
    if (locals.includes(node.value)) return local(node.value);
    return hasPage ? `c.${node.value}` : this.fail(node, `a macro sees only its arguments, not ${node.value}`);
  }

  isMacro({ typename, name }) {
    return typename === "FunCall" && name.typename === "Symbol" && this.macros.has(name.value);
  }

  call(node, scope) {
    const { name, args } = node;
    const called = name.value === "t" ? "t" : this.macros.get(name.value);
    if (name.typename !== "Symbol" || !called) this.fail(node, `only t and macros are called, not ${name.value}`);
    return `${called}(${args.children.map((arg) => this.value(arg, scope)).join(", ")})`;
  }

  filter(node, scope) {
    const { name, args } = node;
    const given = args.children.map((arg) => this.value(arg, scope));
    if (!(name.value in FILTERS)) return `filters.${name.value}(${given.join(", ")})`;
    return FILTERS[name.value](given) ?? this.fail(node, "default(x, true), not default(x)");
  }

  comparison(node, scope) {
    const [{ type, expr }] = node.ops;
    if (node.ops.length > 1 || !OPERATORS[type]) this.fail(node, "one comparison at a time");
    return `(${this.value(node.expr, scope)} ${OPERATORS[type]} ${this.value(expr, scope)})`;
  }
}

/** A template's names may be words of JavaScript. */
function local(name) {
  return `$${name}`;
}

function escaped(text) {
  return text.replace(/[\\`]|\$(?=\{)/g, "\\$&");
}
