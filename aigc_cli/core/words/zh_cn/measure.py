"""What measure says, in Simplified Chinese, by its English text; sorted by it."""

CHINESE: dict[str, str] = {
    "SSIM needs sides of at least {size} pixels, not {width}x{height}": "SSIM 要求边长至少 {size} 像素，而不是 {width}x{height}",
    "a covariance needs at least 2 pictures, and there are {found}": "计算协方差至少需要 2 张图片，现有 {found} 张",
    "add pictures": "请增加图片",
    "add some": "请增加一些",
    "choose {known}": "请选择 {known}",
    "features": "提取特征",
    "images": "张图片",
    "install the wheel again": "请重新安装",
    "the kernel distance needs at least 2 pictures a set": "计算核距离每个数据集至少需要 2 张图片",
    "the real pictures are all alike, so the spread has no meaning": "真实图片全都一样，离散度没有意义",
    "the {name} weights are not installed": "没有安装 {name} 的权重",
    "unknown extractor {name!r}": "无法识别的特征提取器 {name!r}",
    "use a varied real set": "请使用有变化的真实数据集",
    "{k} nearest neighbours need more than {k} pictures, and there are {found}": "{k} 近邻需要多于 {k} 张图片，现有 {found} 张",
    "{path}: not the known {name} weights": "{path}：不是已知的 {name} 权重",
}
