// Members and errands of a household: [household, type].
function parts(doc) {
  if (doc.type === 'home_part') emit([doc.household, doc.part], null);
}
