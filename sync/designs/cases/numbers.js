// A case's number, whole and its last part: people read out either on the telephone.
function numbers(doc) {
  if (doc.type !== 'case') return;
  emit(doc.case_no, null);
  emit(doc.case_no.slice(doc.case_no.lastIndexOf('-') + 1), null);
}
