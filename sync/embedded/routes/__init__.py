"""The HTTP surface, one module a subject. A handler takes the node and the request and gives an `Answer`, or streams."""
