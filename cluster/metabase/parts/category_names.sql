-- YouTube's categories, of which it says the numbers only.
WITH category_names (category_id, category) AS (
    VALUES ('1', 'Film & Animation'), ('2', 'Autos & Vehicles'), ('10', 'Music'), ('15', 'Pets & Animals'), ('17', 'Sports'),
           ('18', 'Short Movies'), ('19', 'Travel & Events'), ('20', 'Gaming'), ('21', 'Videoblogging'),
           ('22', 'People & Blogs'), ('23', 'Comedy'), ('24', 'Entertainment'), ('25', 'News & Politics'),
           ('26', 'Howto & Style'), ('27', 'Education'), ('28', 'Science & Technology'), ('29', 'Nonprofits & Activism'),
           ('30', 'Movies'), ('43', 'Shows'), ('44', 'Trailers')
)
