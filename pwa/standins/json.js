/** `JSON` by the names of the package that stands in for it. */
export default { parse: JSON.parse, stringify: JSON.stringify };
