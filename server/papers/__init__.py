"""Papers of a case: 派遣单, 退回告知单, 不予受理告知单, 移送函, 案卷; their contents, seal, HTML and PDF. See README.md."""
