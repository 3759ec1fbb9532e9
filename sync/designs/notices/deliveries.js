// What goes out to a channel and when it is due, by its state.
function deliveries(doc) {
  if (doc.type === 'delivery' && doc.state !== 'sent') emit([doc.state, doc.due_at], null);
}
