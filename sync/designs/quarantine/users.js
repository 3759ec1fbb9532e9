// A user's refused things by time: what their phones show.
function users(doc) {
  if (doc.type === 'refused') emit([doc.user, doc.refused_at], null);
}
