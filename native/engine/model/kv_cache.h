// Keys and values of one conversation: one pair of [capacity, key-value heads * head_dim] buffers a layer.
#pragma once

#include <vector>

#include "engine/model/attention_block.h"

namespace collie {

struct KvCache {
  std::vector<LayerCache> layers;
  int64_t capacity = 0;
  int64_t used = 0;  // tokens
};

}  // namespace collie
