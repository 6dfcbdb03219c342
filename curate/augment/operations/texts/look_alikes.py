"""Characters that look alike to optical recognition, and letters of other scripts that look the same."""

from __future__ import annotations

from functools import cache

_LATIN = """
0OoQD 1lI|i 2Zz 5Ss 6Gb 8B& 9gq cCe uvn UV E3F hb tf PR WM aeo rn mn yv KX TY HN jiJ wv kx dcl L1 47A pq
"""
_PAIRS = ("m rn", "w vv", "d cl", "h li", "B 13", "k lc", "H I-I", "nn rm", "ii u")
"""Letters that are taken for two, and the other way round."""
_CYRILLIC = """
шщ ий пл еёс Зэ зэ бв нп ьъы тг мт дл ак ху рь чу юо жх
"""
_GREEK = """
οσ νυ ιί ηή εέ κχ τι πη ωώ ςσ λά μν δσ
"""
_ARABIC = """
بتثن جحخ دذ رز سش صض طظ عغ فق كل هة ىي وؤ اإأآ
"""
_HEBREW = """
דר הח בכ וי וז סם גנ טמ תח עצ ןז שט
"""
_DEVANAGARI = """
घध भम बव पष रस तन ङड टठ थय खव चज कफ दह लत गश
"""
_THAI = """
กภถ คดต ขช ชซ ฎฏ ผฝ พฟ บป ลส นม อฮ ทห รธ งว จฉ ยบ
"""
_KANA = """
シツ ソンリ クケタ コユロ チテ ハバパ ヒビピ フワウ ヘベペ ホボポ マムア メナ スヌ ルレ ヨヲ エニ カ力 ロ口 ニ二
タ夕 ト卜 ー一 ハ八 キサモ ラヲ イィ セヤ あお いり うら きさち くへ けはほ こに しもレ すむ せや そて つっ たな
ぬめ ねれわ のめ ひび ふぶ まよ みゐ ゆわ るろ えん かが とど をち
"""
_HAN = """
一二三 二工 三王 十千 七匕 八人入 九丸 人入 儿几 几凡 了子 力刀 刀刃 又叉 土士 大太犬天 天夫无
夫未 未末 本木 木术 术不 不下 上止 下卜 干千于 口囗日 日曰目 目且 且旦 白自百 自目 己已巳 子孑
小少 少步 山出 川州 工土 弓引 才寸 寸才 广厂 万方 方万 亡云 云会 会云合 合今 今令 令冷 冷今
公分 分兮 月用 用甩 甲由田申 田由 由甲 申电 电龟 石右 右古 古占 占右 左在 在左存 有右友 友发
发友 皮及 及乃 反皮 见贝 贝见 车东 东车乐 乐东 长张 风凤 户尸 心必 必心 火灭 灯打 王玉 玉主
主王住 住往佳 往住 佳住 注住 牛午 午牛 手毛 毛手 气汽 汽气 水永 水氷木 永水 冰水 片爿 父交 交父
文丈 斤斥 毋母 母毋每 每母 海每 比此 此比 北比 化花 花化 花草 他她 她他 地他 池他 也他 巴把
把吧 吧把 爸把 吗妈 妈吗 马鸟 鸟乌 乌鸟 鸡鸭 鸭鸡 你称 尔你 您你 我找 找我 钱找 我饿 他地 它宅
它安 们门 门们 问间 间问 闻间 闭闲 开升 开井 关天 关送 送关 送达 达这 这达 还这 这还 近这 进近
远还 过还 边过 道通 通道 追通 的约 约的 的酌 得很 很得 很恨 着看 看着 着差 看春 春看 是昰 是定
定是 足是 走是 题是 了子 子了 来米 米来 未来 去丢 丢去 出击 去云 到列 列到 刚到 别到 说话 话说
话活 活话 语话 请清 清请情 情清晴 晴情睛 睛晴 青请 精情 天夫 气乞 吃乞 吃叫 叫吃 叫収 听斥 听近
唱喝 喝唱 渴喝 歌哥 哥歌 播翻 番播 放故 故放 放族 音意 意音 乐示 示乐 首道 首百 曲典 典曲 由曲
点占 点店 店点 黑点 热熟 热势 熟热 温湿 湿温 度席 席度 廖度 雨两 雪雷 雷雪 雷雪 雾露 云去 阴阳
阳阴 阴险 明朋 朋明 明阴 暗晴 早旱 旱早 晚挽 晚免 昨作 作昨 昨怍 时吋 时对 对时 对村 日白 日旧
旧日 周同 同周 同向 向同 星早 星皇 期斯 斯期 期朝 年牛 月肉 号另 另号 半平 平半 平乎 分公 秒炒
钟种 种钟 种和 和种 知和 知如 如知 加如 点熟 午干 早草 中申 中口 内肉 外处 处外 处久 里理 理里
黑里 前煎 后启 会合 合舍 能态 态能 能熊 要耍 耍要 安要 更史 史吏 更便 便更 使便 可句 何可 河何
可司 司可 同司 问司 以似 似以 已以 为办 办为 力办 为力 没设 设没 没沿 有冇 存在 仔存 再冉 在再
最量 量最 多名 名多 各名 名各 少小 多夕 几儿 机几 些此 哪那 那哪 那邦 什计 计什 十什 什付 么公
么幺 怎作 样洋 洋样 祥样 提堤 提题 题提 醒醉 醉醒 酸醒 设没 置直 直置 真直 直真 值直 闹闭 闹闲
铃钤 令铃 冷铃 新亲 亲新 新断 消清 消俏 取职 取耳 职取 删册 除徐 除涂 余除 所斤 全金 金全 全会
部都 都部 都者 者都 者考 考者 老考 列例 例列 表麦 表衣 衣表 现观 观现 规现 视现 电由 影景 景影
院完 完院 完元 元无 无元 片斤 场扬 扬场 杨场 票栗 票要 看着 行往 行衍 走足 足走 起赶 赶起 超起
越起 跑泡 跳挑 路跃 站占 站店 坐座 座坐 飞气 机杌 车军 军车 船般 票漂 买卖 卖买 卖实 实卖 头买
价介 介价 钱线 线钱 线浅 浅线 元兀 块快 快块 快决 角用 分兮 毛手 大丈 小水 高亮 亮高 亮壳 低底
底低 长张 短矩 多移 少沙 好妤 好奴 如好 坏杯 杯坏 新析 旧日 美羊 羊美 丽雨 帅师 师帅 狂往 忙忘
忘忙 忘望 怕伯 伯怕 爱受 受爱 爱暖 恨很 喜善 善喜 欢吹 吹欢 欢次 次欢 哭器 笑竺 苦若 若苦 苦古
甜话 香杳 学字 字学 学觉 觉学 习刁 书韦 本木 读续 续读 写与 与写 字宇 宇字 词同 句旬 句可 文交
课棵 果课 棵课 班斑 校较 较校 教数 数教 数敬 考老 试式 式试 题提 答签 签答 问间 老考 生主 主生
男另 女安 女好 孩该 该孩 刻孩 家冢 家象 国图 图国 国因 因困 困因 固国 回田 回四 四回 四西 西四
西酉 园团 团园 圆园 城域 域城 市巾 市布 布市 区巨 县具 具县 村材 材村 林材 材林 街衔 桥轿 河何
江汪 湖胡 湖糊 海悔 洋样 山仙 岛鸟 石右 土士 田甲 草早 树村 木本 叶吐 花化 果呆 呆果 米采 采米
菜采 菜莱 肉内 鱼渔 饭饮 饮饭 饭板 饮软 茶荼 水冰 油抽 抽油 盐监 糖搪 蛋虽 包句 包勺 吃气 睡唾
醒酲 病疯 疯病 药约 医匠 疼痛 痛疼 头买 手毛 眼服 眼恨 服眼 耳目 脸捡 身射 射身 体休 休体 休林
心必 力刀 打灯 拉位 位拉 立位 推堆 堆推 拿合 拾拿 给拾 给恰 送关 接按 按接 换唤 唤换 找我 抓爪
爪瓜 瓜爪 抱泡 帮邦 助肋 用甩 做故 作作 干于 工王 事争 争事 业亚 亚业 公么 司可 商啇 店点 厂广
银很 根很 跟根 很根 行汀 号弓 码妈 码玛 网冈 冈网 站砧 邮油 信倍 信言 件伴 伴件 发友 收牧 联聨
系糸 系紧 紧系 名各 字子 姓性 性姓 年午 岁罗 罗岁 第弟 弟第 弟笫 一丨 每海 天无 每毎 次欠 又叉
也地 都郡 只兄 兄只 只识 就京 京就 还坏 很狠 太大 非韭 常带 带常 总怠 从丛 从人 被波 波被 比北
让计 把吧 给绘 绘给 向问 跟根 但伹 但担 而面 面而 或惑 且目 因固 所听 如加 果里 虽蛋 然燃 但但
关夫 于干 于千 之乏 乏之 其具 具其 其甚 某其 它他 各备 备各 该核 某果 此些 何向 谁准 准谁 淮准
推谁 几九 气汽 概慨 预顶 顶预 报服 报根 服报 温溫 摄摸 华毕 毕华 氏民 民氏 民良 良食 食良 食良
降隆 隆降 际陈 陈阵 阵陈 东东 南商 南甫 西百 北比 湾弯 弯湾 台合 台吕 吕台 局居 居局 层居 房户
层屋 屋屈 门们 窗窝 灯灰 灰灯 光先 先光 告舌 舌告 先生 洗先 选先
"""
"""Groups of Chinese characters that differ in a stroke or a part."""


def _near(groups: list[str]) -> dict[str, set[str]]:
    near: dict[str, set[str]] = {}
    for group in groups:
        for letter in group:
            near.setdefault(letter, set()).update(set(group) - {letter})
    return near


@cache
def look_alikes() -> dict[str, list[str]]:
    """character -> what optical recognition takes it for: single characters, and for some Latin letters two."""
    scripts = (_LATIN, _CYRILLIC, _GREEK, _ARABIC, _HEBREW, _DEVANAGARI, _THAI, _KANA, _HAN)
    near = _near([group for script in scripts for group in script.split()])
    for pair in _PAIRS:
        one, two = pair.split()
        if len(one) == 1:
            near.setdefault(one, set()).add(two)
    return {letter: sorted(others) for letter, others in near.items() if others}


_SAME = {
    "latin": "aа eе oо pр cс xх yу iі jј sѕ hһ dԁ lӏ qԛ wԝ"
    " AА BВ EЕ KК MМ HН OО PР CС TТ XХ YУ IІ JЈ SЅ ZΖ NΝ vν uυ gɡ kк nո",
    "cyrillic": "аa еe оo рp сc хx уy іi јj ѕs һh АA ВB ЕE КK МM НH ОO РP СC ТT ХX УY ІI",
    "greek": "οo νv ρp υu αa κk ιi ΑA ΒB ΕE ΖZ ΗH ΙI ΚK ΜM ΝN ΟO ΡP ΤT ΥY ΧX",
    "armenian": "օo սu հh յj ցg զq ոn",
}


@cache
def homoglyphs() -> dict[str, str]:
    """letter -> the letters of another script that look the same."""
    table: dict[str, str] = {}
    for pairs in _SAME.values():
        for letter, other in pairs.split():
            table[letter] = table.get(letter, "") + other
    return table
