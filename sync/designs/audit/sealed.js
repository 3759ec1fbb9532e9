// Which seal covers an entry.
function sealed(doc) {
  if (doc.type === 'seal') doc.entries.forEach(function (entry) { emit(entry[0], doc.n); });
}
