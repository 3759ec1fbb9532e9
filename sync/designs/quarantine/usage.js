// How much a device has lying here undecided, by the kind of allowance it counts against.
function usage(doc) {
  if (doc.type === 'refused' && (doc.state === 'waiting' || doc.state === 'adopting')) emit([doc.device, doc.allowance], doc.size_bytes);
}
