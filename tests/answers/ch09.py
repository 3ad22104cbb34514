"""Answers to chapter 09's exercises."""

import torch


def grown(box, share):
    around = (box[2:] - box[:2]) * share
    return torch.cat([box[:2] - around, box[2:] + around])


def roles(overlaps, truth, k):
    return (truth == k).long() - (overlaps[:, k - 1] < 0.3).long()


def mined(features, weight, bias, used):
    return used | (features @ weight + bias > -1)


def counted(boxes, height, width, last=0):
    out = torch.zeros(height, width, dtype=torch.int64)
    for x1, y1, x2, y2 in boxes.tolist():
        out[y1:y2 + last, x1:x2 + last] += 1
    return out


RIGHT = {
    "context-box": lambda box, c: grown(box, c / (1 - 2 * c)),
    "svm-roles": roles,
    "hard-negatives": mined,
    "visits": counted,
}
WRONG = {
    "context-box": [
        (grown, "the box fills only 1 - 2 * context of it"),
        (lambda b, c: grown(b, c / (1 - c)), "there is context on both sides"),
        (lambda b, c: grown(b, -c / (1 - 2 * c)), "the region grows"),
        (lambda b, c: grown(b[[1, 0, 3, 2]], c / (1 - 2 * c))
         - b[[1, 0, 3, 2]] + b, "width and height are mixed up"),
        (lambda b, c: b + torch.tensor([-5.0, -5, 5, 5]), "both sides grow by the width's"),
        (lambda b, c: b.clone(), "nothing changed"),
    ],
    "svm-roles": [
        (lambda o, t, k: (o[:, k - 1] >= 0.5).long() - (o[:, k - 1] < 0.3).long(),
         "the positives of fine-tuning"),
        (lambda o, t, k: (t > 0).long() - ((o[:, k - 1] < 0.3) & (t == 0)).long(),
         "only those of class k are"),
        (lambda o, t, k: (t == k).long() - ((o[:, k - 1] < 0.3) & (t == 0)).long(),
         "a true box of another class is a negative too"),
        (lambda o, t, k: (t == k).long() - (o.amax(dim=1) < 0.3).long(), "not the best of all"),
        (lambda o, t, k: 2 * (t == k).long() - 1, "regions between are ignored"),
        (lambda o, t, k: (t == k).long() - (o[:, k - 1] <= 0.3).long(), "at exactly 0.3"),
        (lambda o, t, k: (t == k).long() - (o[:, k] < 0.3).long(), "background has no column"),
        (lambda o, t, k: (t == k).long() - (o[:, k - 1] < 0.5).long(), "fine-tuning's rule"),
        (lambda o, t, k: roles(o, t, k) + 0 * o.max().long(), "no region at all"),
    ],
    "hard-negatives": [
        (lambda f, w, b, u: u | (f @ w + b > 0), "the ones in the strip"),
        (lambda f, w, b, u: f @ w + b > -1, "seen before must stay"),
        (lambda f, w, b, u: u | (f @ w + b < -1), "the easy ones came"),
        (lambda f, w, b, u: u | (f @ w > -1), "the bias is missing"),
        (lambda f, w, b, u: u | (f @ w + b > 1), "should score -1 or less"),
        (lambda f, w, b, u: f @ w + b, "compare them with -1"),
        (lambda f, w, b, u: u & (f @ w + b > -1), "in either set"),
    ],
    "visits": [
        (lambda b, h, w: counted(b[:, [1, 0, 3, 2]], h, w), "x and y are swapped"),
        (lambda b, h, w: counted(b, h, w, 1), "the boxes are half-open"),
        (lambda b, h, w: counted(b, h, w).clamp(max=1), "do not set it"),
        (lambda b, h, w: counted(b, h, w).T.contiguous(), "its shape is (height, width)"),
        (lambda b, h, w: counted(b, h, w, -1), "the last row and column"),
        (lambda b, h, w: counted(b, h, w) + 0 * int(b.max()), "without a box every pixel"),
    ],
}
