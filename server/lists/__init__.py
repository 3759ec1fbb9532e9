"""The district's lists (事件目录, 责任单位, 赋权清单, 属地管理 …): kept as versions, in and out by Excel, published to phones.

What an entry is and how lists choose a unit are rules in `server/domain/` (`lists`, `list_versions`, `routing`). The README here
says where each list lives and why.
"""
