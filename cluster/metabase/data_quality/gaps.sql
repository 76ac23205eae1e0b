-- How often records were gone before they were read.
SELECT count(*) AS gaps FROM lost_offsets WHERE {{time}} AND {{topic}}
