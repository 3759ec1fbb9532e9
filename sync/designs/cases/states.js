// How many cases of each community are in each state and phase: the tabs above the list.
function states(doc) {
  if (doc.type === 'case') emit([doc.grid.slice(0, 12), doc.state, doc.phase], null);
}
